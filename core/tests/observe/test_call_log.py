"""The record of a call on disk."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import ErrorCode, InputError, PatterConfigError
from patter.observe import call_log
from patter.observe.call_log import LINES_WAITING, CallLog, CallLogWriter, read_record
from patter.observe.codec import encode_line
from patter.observe.events import Ended, Note, Row, Started, ToolRun
from patter.observe.file_writer import FileWriter
from patter.observe.log_root import check_private, log_root, retention_days
from patter.observe.redact import Redaction, Redactor

WALL = 1_790_000_000.0


def note(seq: int, text: str = "") -> Note:
    return Note(call="7f3a", seq=seq, at_ms=seq * 20, what="test", text=text)


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    record = CallLog(root=tmp_path / "log").open("7f3a", WALL, chance=1)
    events = [note(seq) for seq in range(1, 50)]
    for event in events:
        record(event)
    record.join()
    assert record.path == tmp_path / "log/calls/2026/09/21/7f3a/call.jsonl"
    assert read_record(record.directory) == events


async def test_finishing_waits_for_the_file(tmp_path: Path) -> None:
    record = CallLogWriter(tmp_path)
    record.note(note(1))
    assert await record.finish()
    assert read_record(record.path) == [note(1)]


def test_only_the_owner_may_read_a_record(tmp_path: Path) -> None:
    record = CallLog(root=tmp_path / "log").open("7f3a", WALL, chance=1)
    record.note(note(1))
    record.join()
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600
    made = [path for path in (tmp_path / "log").rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


def test_a_stalled_disk_stalls_nobody_and_the_record_says_what_is_missing(tmp_path: Path) -> None:
    writer, stall = FileWriter(), threading.Event()
    writer.run(lambda: stall.wait(5))
    record = CallLogWriter(tmp_path, file_writer=writer)
    for seq in range(1, LINES_WAITING + 11):
        record.note(note(seq))
    assert record.dropped == 10
    stall.set()
    record.join()
    events = read_record(tmp_path)
    assert len(events) == LINES_WAITING + 1
    assert isinstance(events[-1], Note)
    assert events[-1].what == "record_overflow"
    assert "10 events" in events[-1].text


def test_an_event_that_is_not_json_is_named_instead_of_lost(tmp_path: Path) -> None:
    record = CallLogWriter(tmp_path)
    record.note(ToolRun(call="7f3a", seq=1, name="t", what="finished", arguments={"it": object()}))
    record.join()
    assert [getattr(event, "what", "") for event in read_record(tmp_path)] == ["unrecordable"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl.part"
    path.write_bytes(encode_line(note(1)) + b"\n" + encode_line(note(2))[:-9])
    assert read_record(tmp_path) == [note(1)]


@given(st.integers(0, 400))
def test_any_prefix_of_a_record_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    whole = b"".join(encode_line(note(seq)) + b"\n" for seq in range(1, 5))
    path = tmp_path_factory.getbasetemp() / "prefix.jsonl"
    path.write_bytes(whole[:at])
    events = read_record(path)
    assert events == [note(seq) for seq in range(1, len(events) + 1)]


def test_damage_in_the_middle_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(b"{}\n" + encode_line(note(2)) + b"\n")
    with pytest.raises(InputError, match="line 1"):
        read_record(path)


def test_a_record_of_a_newer_version_says_to_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(b'{"v":9,"call":"c","seq":1,"at_ms":0,"type":"row"}\n')
    with pytest.raises(InputError) as caught:
        read_record(path)
    assert caught.value.fix == "pip install --upgrade patter-core"


@pytest.mark.parametrize("how", [Redaction.MASK, Redaction.HASH_ONLY])
def test_redacted_numbers_are_nowhere_in_the_record(tmp_path: Path, how: Redaction) -> None:
    record = CallLogWriter(tmp_path, Redactor(how))
    record.note(Started(call="7f3a", seq=1, caller="+15550000188", callee="turn"))
    record.note(note(2, "transfer to +442071234567, caller +15550000188"))
    record.join()
    text = record.path.read_text()
    assert "5550000188" not in text
    assert "2071234567" not in text
    assert read_record(tmp_path)[1].at_ms == 40


def test_a_mask_keeps_the_last_four_and_a_hash_compares() -> None:
    assert Redactor(Redaction.MASK).text("to +15550000188.") == "to ***0188."
    hashing = Redactor(Redaction.HASH_ONLY)
    assert hashing.text("+15550000188") == hashing.number("+15550000188") != "+15550000188"
    assert len(hashing.number("+15550000188")) == len("hmac:") + 16
    assert Redactor(Redaction.FULL).text("+15550000188") == "+15550000188"


def test_a_redaction_nobody_knows_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="PATTER_LOG_REDACT_PHONE"):
        Redaction.read("some")


@pytest.mark.parametrize(
    ("persist", "environ", "root"),
    [
        (False, {"PATTER_LOG_DIR": "/x"}, None),
        (None, {"PATTER_LOG_DIR": "/x"}, "/x"),
        (None, {"XDG_DATA_HOME": "/d"}, "/d/patter"),
        (None, {"XDG_DATA_HOME": "/d", "PATTER_LOG_DIR": "auto"}, "/d/patter"),
        (True, {"XDG_DATA_HOME": "/d", "PATTER_LOG_DIR": "/x"}, "/d/patter"),
        ("/p", {"PATTER_LOG_DIR": "/x"}, "/p"),
        ("auto", {"XDG_DATA_HOME": "/d", "PATTER_LOG_DIR": "/x"}, "/d/patter"),
    ],
)
def test_where_records_go(
    persist: bool | str | None, environ: dict[str, str], root: str | None
) -> None:
    assert log_root(persist, environ, "linux") == (None if root is None else Path(root))


def test_every_platform_has_its_own_place() -> None:
    assert log_root(True, {}, "darwin") == Path.home() / "Library/Application Support/patter"
    assert log_root(True, {"LOCALAPPDATA": "/l"}, "win32") == Path("/l/patter")
    assert log_root(True, {}, "linux") == Path.home() / ".local/share/patter"
    assert log_root("~/calls", {}) == Path.home() / "calls"


def test_a_log_directory_others_can_read_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "patter"
    check_private(root)
    root.mkdir(mode=0o700)
    check_private(root)
    root.chmod(0o755)
    with pytest.raises(PatterConfigError) as caught:
        check_private(root)
    assert caught.value.code is ErrorCode.CONFIG
    assert caught.value.message == f"the log directory {root} is readable by others (0755)"
    assert caught.value.fix == f"chmod 700 {root}"


def test_retention_is_thirty_days_unless_told() -> None:
    assert (retention_days(""), retention_days("0"), retention_days("7")) == (30, 0, 7)
    with pytest.raises(PatterConfigError, match="RETENTION"):
        retention_days("a week")


@pytest.mark.parametrize("call_id", ["../../etc/passwd", "..", "a/b", "x" * 200, ""])
def test_no_call_id_leads_out_of_the_log(tmp_path: Path, call_id: str) -> None:
    record = CallLog(root=tmp_path).open(call_id, WALL, chance=1)
    record.join()
    assert record.directory.resolve().parent == (tmp_path / "calls/2026/09/21").resolve()
    assert len(record.directory.name) <= 64


def test_a_record_that_is_full_goes_on_with_its_words_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "MOST_BYTES", 1_000)
    record = CallLogWriter(tmp_path)
    for seq in range(1, 101):
        record.note(note(seq, "x" * 50))
    words = Row(call="7f3a", seq=101, at_ms=2_020, role="caller", text="hello")
    ended = Ended(call="7f3a", seq=102, at_ms=2_040, outcome="completed")
    record.note(words)
    record.note(ended)
    record.join()
    *before, full, row, end = read_record(record.path)
    assert isinstance(full, Note) and full.what == "record_full"
    assert (row, end) == (words, ended)
    assert 5 < len(before) < 15
