"""Records that a process left: the next start finishes them, and nobody else's."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.observe.call_log import CallLog, CallLogWriter, read_record
from patter.observe.codec import encode_line
from patter.observe.events import CallEvent, Ended, Note, Row, Started
from patter.observe.file_writer import FileWriter
from patter.observe.record_files import NAME, RINGING, UNFINISHED
from patter.observe.unfinished import ending, finish_abandoned

WALL = 1_790_000_000.0
RECORDS = f"{NAME}*"
CALLS = """
import sys, time
from pathlib import Path
from patter.observe.call_log import CallLog
from patter.observe.events import Row, Started

log = CallLog(root=Path(sys.argv[1]))
for name in ("rings", "talks"):
    record = log.open(name, 1_790_000_000.0, chance=1)
    record.announce(Started(call=name, seq=1, caller="+15550000188"))
record(Started(call=name, seq=1, caller="+15550000188", language="en"))
record(Row(call=name, seq=2, at_ms=1_500, role="caller", text="hello", turn=1))
while not record.path.with_name("call.jsonl.part").exists():
    time.sleep(0.01)
time.sleep(0.2)
print("up", flush=True)
time.sleep(60)
"""


@contextmanager
def process_with_calls(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes the records of a call that rings, and of one that talks."""
    with subprocess.Popen(
        [sys.executable, "-c", CALLS, str(root)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


def part(directory: Path, *events: CallEvent, torn: bytes = b"", name: str = UNFINISHED) -> Path:
    """The file *name* of a call in *directory*, as a killed process leaves it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(b"".join(encode_line(each) + b"\n" for each in events) + torn)
    return directory


def started(language: str = "en") -> Started:
    return Started(call="7f3a", seq=1, caller="+15550000188", language=language)


def day(root: Path) -> Path:
    return root / "calls/2026/09/21"


def test_a_killed_process_leaves_a_record_a_call_which_the_next_start_finishes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with process_with_calls(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert [len(read_record(day(tmp_path) / name)) for name in ("rings", "talks")] == [1, 2]
    assert sorted(finish_abandoned(tmp_path)) == ["rings", "talks"]
    for name in ("rings", "talks"):
        assert [path.name for path in (day(tmp_path) / name).glob(RECORDS)] == [NAME]
        first, *_, last = read_record(day(tmp_path) / name)
        assert isinstance(first, Started)
        assert isinstance(last, Ended)
        assert (last.outcome, last.reason, last.cost_usd) == ("unknown", "record_unfinished", None)
    assert isinstance(last, Ended)
    assert (last.turns, last.duration_ms, last.seq) == (1, 1_500, 3)
    assert "how they ended is unknown" in caplog.text
    assert "rings, talks" in caplog.text
    assert finish_abandoned(tmp_path) == []


def test_records_that_a_living_process_writes_are_left_alone(tmp_path: Path) -> None:
    with process_with_calls(tmp_path):
        assert finish_abandoned(tmp_path) == []
        assert (day(tmp_path) / "rings" / RINGING).exists()
        assert (day(tmp_path) / "talks" / UNFINISHED).exists()


def test_of_a_torn_line_nothing_is_left_behind_the_end(tmp_path: Path) -> None:
    directory = part(day(tmp_path) / "7f3a", started(), torn=encode_line(started())[:40])
    assert finish_abandoned(tmp_path) == ["7f3a"]
    assert [type(each) for each in read_record(directory)] == [Started, Ended]


@given(st.integers(0, 600))
def test_wherever_a_record_was_cut_off_it_is_finished_whole_or_was_nothing(
    tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    root = tmp_path_factory.mktemp("cut")
    whole = b"".join(
        encode_line(each) + b"\n"
        for each in (started(), *(Note(call="7f3a", seq=seq, what="x" * 40) for seq in (2, 3)))
    )
    directory = part(day(root) / "7f3a", torn=whole[:at])
    had = read_record(directory)
    assert finish_abandoned(root) == (["7f3a"] if had else [])
    assert [path.name for path in directory.glob(RECORDS)] == ([NAME] if had else [])
    if had:
        assert read_record(directory) == [*had, ending(had)]


@pytest.mark.parametrize("torn", [b"", b'{"v":2,"call'])
def test_a_record_that_had_just_begun_has_what_was_announced(tmp_path: Path, torn: bytes) -> None:
    directory = part(day(tmp_path) / "7f3a", started(""), name=RINGING)
    part(directory, torn=torn)
    assert read_record(directory) == [started("")]
    assert finish_abandoned(tmp_path) == ["7f3a"]
    assert [path.name for path in directory.glob(RECORDS)] == [NAME]
    assert [type(each) for each in read_record(directory)] == [Started, Ended]


def test_a_process_killed_between_the_end_and_the_name_loses_neither(tmp_path: Path) -> None:
    end = Ended(call="7f3a", seq=2, outcome="completed")
    directory = part(day(tmp_path) / "7f3a", started(), end)
    part(directory, started(""), name=RINGING)
    assert finish_abandoned(tmp_path) == ["7f3a"]
    assert read_record(directory / NAME) == [started(), end]
    assert not (directory / RINGING).exists()


def test_a_finished_record_is_not_touched_and_what_was_announced_of_it_goes(
    tmp_path: Path,
) -> None:
    directory = part(day(tmp_path) / "7f3a", started(), name=NAME)
    part(directory, started(""), name=RINGING)
    part(directory, Note(call="other", seq=1, what="another call's"))
    before = (directory / NAME).read_bytes()
    assert finish_abandoned(tmp_path) == []
    assert (directory / NAME).read_bytes() == before
    assert sorted(path.name for path in directory.glob(RECORDS)) == [NAME, UNFINISHED]


def test_one_that_cannot_be_read_stays_is_named_and_keeps_no_other_from_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = part(day(tmp_path) / "a", torn=b"{}\n")
    part(day(tmp_path) / "b", started())
    (day(tmp_path) / "notes.txt").touch()
    assert finish_abandoned(tmp_path) == ["b"]
    assert (damaged / UNFINISHED).read_bytes() == b"{}\n"
    assert str(damaged) in caplog.text


def test_two_starts_at_a_time_finish_every_record_once(tmp_path: Path) -> None:
    for number in range(200):
        part(day(tmp_path) / f"call-{number}", started())
    writers = FileWriter(), FileWriter()
    for writer in writers:
        writer.run(lambda: finish_abandoned(tmp_path))
    for writer in writers:
        writer.settle(20)
    for directory in day(tmp_path).iterdir():
        assert [path.name for path in directory.glob(RECORDS)] == [NAME]
        assert [type(each) for each in read_record(directory)] == [Started, Ended]


def test_calls_of_one_id_have_a_record_each(tmp_path: Path) -> None:
    log = CallLog(root=tmp_path)
    for text in ("first", "second", "third"):
        record = log.open("7f3a", WALL, chance=1)
        record(Note(call="7f3a", seq=1, what=text))
        record.join()
    names = {path.parent.name: read_record(path) for path in tmp_path.rglob(NAME)}
    assert sorted(names) == ["7f3a", "7f3a-2", "7f3a-3"]
    assert [getattr(names[each][0], "what", "") for each in sorted(names)] == [
        "first",
        "second",
        "third",
    ]


def test_two_processes_that_write_a_call_of_one_id_take_nothing_from_each_other(
    tmp_path: Path,
) -> None:
    with process_with_calls(tmp_path):
        for name in ("rings", "talks"):
            record = CallLog(root=tmp_path).open(name, WALL, chance=1)
            record.announce(started())
            record(started())
            record.join()
            assert record.directory.name == f"{name}-2"
        assert [len(read_record(day(tmp_path) / name)) for name in ("rings", "talks")] == [1, 2]


def test_many_writers_of_one_id_at_a_time_have_a_directory_each(tmp_path: Path) -> None:
    log = [CallLog(root=tmp_path, file_writer=FileWriter()) for _ in range(20)]
    records = [each.open("7f3a", WALL, chance=1) for each in log]
    for number, record in enumerate(records):
        record.announce(started())
        record(Note(call="7f3a", seq=number, what="mine"))
    for record in records:
        record.join()
    assert len({record.directory for record in records}) == 20
    assert [read_record(each.path)[0].seq for each in records] == list(range(20))


async def test_what_was_announced_is_on_the_disk_when_the_wait_is_over(tmp_path: Path) -> None:
    record = CallLogWriter(tmp_path)
    record.announce(started())
    assert await record.announced(5)
    assert read_record(tmp_path) == [started()]
    record.join()


async def test_a_disk_that_stalls_keeps_nobody_waiting(tmp_path: Path) -> None:
    import threading

    writer, stall = FileWriter(), threading.Event()
    writer.run(lambda: stall.wait(5))
    record = CallLogWriter(tmp_path, file_writer=writer)
    record.announce(started())
    assert not await record.announced(0.01)
    stall.set()
    record.join()


def test_a_directory_without_a_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no record"):
        read_record(tmp_path)


def test_a_record_an_older_patter_left_is_finished_too(tmp_path: Path) -> None:
    line = b'{"v":1,"call":"c","seq":1,"at_ms":7,"type":"note","what":"old"}\n'
    directory = part(day(tmp_path) / "7f3a", torn=line)
    assert finish_abandoned(tmp_path) == ["7f3a"]
    assert (directory / NAME).read_bytes().startswith(line)
    assert [each.at_ms for each in read_record(directory)] == [7, 7]


def test_rows_count_in_the_figures_of_an_end_nobody_knows() -> None:
    rows = [
        Row(call="c", seq=seq, at_ms=seq * 100, role="caller", text="hi", turn=turn)
        for seq, turn in ((1, 1), (2, 1), (3, 2))
    ]
    assert (ending(rows).turns, ending(rows).duration_ms, ending(rows).seq) == (2, 300, 4)
