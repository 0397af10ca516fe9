"""A disk that is full costs records, never descriptors, and never the records after it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from patter.observe.call_log import CallLogWriter, read_record
from patter.observe.events import Note, Started
from patter.observe.file_writer import FileWriter
from patter.observe.record_files import NAME, RINGING, UNFINISHED
from patter.observe.unfinished import finish_abandoned

from .full_disks import with_room_for

CALLS = """
import os
from pathlib import Path
from patter.observe.call_log import CallLog
from patter.observe.events import Note, Started
from patter.observe.recorder import WavRecorder

log = CallLog(root=Path(ROOT))

def descriptors():
    return len(os.listdir("/proc/self/fd"))

def call(name):
    record = log.open(name, 1_790_000_000.0, chance=1)
    record.announce(Started(call=name, seq=1, caller="+15550000188"))
    recorder = WavRecorder(record.directory / "call.wav")
    record(Started(call=name, seq=1, caller="+15550000188"))
    for at in range(100):
        record(Note(call=name, seq=at + 2, at_ms=at * 20, what="x" * 200))
        recorder.caller(at * 20, bytes(320))
    recorder.join()
    record.join()

call("room")
before = descriptors()
room(4_096)
for number in range(20):
    call(f"full-{number}")
room(-1)
call("after")
print(descriptors() - before)
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts /proc/self/fd")


@linux
def test_calls_on_a_full_disk_leak_no_descriptor_and_the_next_ones_are_whole(
    tmp_path: Path,
) -> None:
    done = with_room_for(2**40, f"ROOT = {str(tmp_path)!r}\n{CALLS}")
    assert done.stdout == "0\n", done.stderr
    day = tmp_path / "calls/2026/09/21"
    for name in ("room", "after"):
        assert len(read_record(day / name)) == 101
        assert [path.name for path in sorted((day / name).glob("call.*"))] == [NAME, "call.wav"]
    for number in range(20):
        assert isinstance(read_record(day / f"full-{number}")[0], Started)
    assert done.stderr.count("cannot be written") == 40
    assert "Traceback" not in done.stderr


def test_a_record_that_the_disk_cut_off_is_finished_at_the_next_start(tmp_path: Path) -> None:
    with_room_for(2**40, f"ROOT = {str(tmp_path)!r}\n{CALLS}")
    assert len(finish_abandoned(tmp_path)) == 20
    for directory in (tmp_path / "calls/2026/09/21").glob("full-*"):
        events = read_record(directory / NAME)
        assert 10 < len(events) < 30
        assert [each.seq for each in events] == list(range(1, len(events) + 1))


def test_a_disk_without_room_for_a_ringing_call_leaves_no_empty_file(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from patter.observe.call_log import CallLogWriter
from patter.observe.events import Started
record = CallLogWriter(Path(ROOT))
record.announce(Started(call="c", seq=1))
record.join()
"""
    done = with_room_for(5, f"ROOT = {str(tmp_path / 'call')!r}\n{code}")
    assert "cannot be kept" in done.stderr
    assert list((tmp_path / "call").iterdir()) == []


def test_what_raises_on_the_thread_ends_one_record_and_not_the_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = FileWriter()

    def leave(_: list[int]) -> None:
        raise SystemExit(3)

    released: list[bool] = []
    queue = writer.queue(leave, lambda: None, 10, lambda: released.append(True))
    record = CallLogWriter(tmp_path, file_writer=writer)
    with caplog.at_level(logging.ERROR):
        queue.put(1)
        writer.end(queue)
        queue.done.result(5)
        record(Note(call="c", seq=1, what="after"))
        record.join()
    assert released == [True]
    assert len(read_record(tmp_path)) == 1
    assert "cannot be written" in caplog.text


def test_files_of_a_call_that_never_began_are_closed_and_what_was_announced_stays(
    tmp_path: Path,
) -> None:
    record = CallLogWriter(tmp_path)
    record.announce(Started(call="c", seq=1, caller="+15550000188"))
    record.join()
    assert [path.name for path in tmp_path.iterdir()] == [RINGING]
    assert not (tmp_path / UNFINISHED).exists()
    assert isinstance(read_record(tmp_path)[0], Started)
