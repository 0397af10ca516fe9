"""A call has one record, from before its carrier hears of it until its end is known."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.clock import LoopClock
from patter.observe.call_log import CallLog, read_record
from patter.observe.events import CallEvent, Ended, Note, Started
from patter.observe.file_writer import FileWriter
from patter.observe.record_files import NAME, RINGING
from patter.observe.redact import Redaction, Redactor
from patter.observe.summary import CallSummary
from patter.phone.call_records import CallRecords, settled
from patter.providers.carrier import Incoming, Ticket
from patter.providers.context import CallContext, Direction
from patter.server.calls import CallEntry, CallRequest, CallState
from patter.server.live_session import Session
from patter.server.switchboard import LocalSwitchboard

THEIRS, OURS = "+15550107788", "+15550001234"
INCOMING = Incoming(carrier="tin", carrier_call_id="T1", caller=THEIRS, callee=OURS)
REQUEST = CallRequest(carrier="tin", direction=Direction.OUTBOUND, caller=OURS, callee=THEIRS)


@attrs.define(eq=False)
class Ringing:
    """A switchboard whose calls never begin, and their records."""

    root: Path
    log: CallLog
    records: CallRecords = attrs.field(init=False)
    board: LocalSwitchboard = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.records = CallRecords(self.log)
        self.board = LocalSwitchboard(
            start=self.never, on_call_end=self.ended, records=self.records
        )
        self.board.admission.open()

    def never(self, _: CallContext) -> Session:
        raise AssertionError("no media came")

    async def ended(self, entry: CallEntry) -> None:
        await self.records.end(settled(entry))

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.root.rglob("call.jsonl*"))

    @property
    def events(self) -> list[CallEvent]:
        """Those of the only record."""
        (path,) = self.root.rglob("call.jsonl*")
        return read_record(path.parent)


@asynccontextmanager
async def ringing(root: Path, **log: Any) -> AsyncIterator[Ringing]:
    it = Ringing(root, CallLog(root=root, **log))
    async with it.board.running():
        yield it


async def test_a_ringing_call_is_on_the_disk_before_its_carrier_is_answered(tmp_path: Path) -> None:
    async with ringing(tmp_path) as it:
        ticket = await it.board.register(INCOMING)
        assert it.files == [RINGING]
        (started,) = it.events
        assert isinstance(started, Started)
        assert (started.caller, started.carrier_call_id) == (THEIRS, "T1")
        assert next(tmp_path.rglob(RINGING)).parent.name == ticket.call_id
        assert (await it.board.register(INCOMING)).call_id == ticket.call_id
        assert it.files == [RINGING]
    assert it.files == [NAME]
    assert [type(each) for each in it.events] == [Started, Ended]
    assert len(it.records) == 0


async def test_a_call_of_ours_is_on_the_disk_before_it_is_dialled(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    async def dial(_: Ticket) -> str:
        seen.append(it.files)
        raise ValueError("nobody there")

    async with ringing(tmp_path) as it:
        with pytest.raises(ValueError, match="nobody"):
            await it.board.place(REQUEST, dial)
        await it.board.idle()
        assert seen == [[RINGING]]
        assert [type(each) for each in it.events] == [Started, Ended]
        assert it.files == [NAME]


async def test_what_was_announced_is_redacted_too(tmp_path: Path) -> None:
    async with ringing(tmp_path, redactor=Redactor(Redaction.MASK)) as it:
        await it.board.register(attrs.evolve(INCOMING, caller="sip:rosa@example.com"))
        assert "rosa" not in next(tmp_path.rglob(RINGING)).read_text()
        assert OURS not in next(tmp_path.rglob(RINGING)).read_text()


async def test_a_disk_that_stalls_delays_a_call_by_no_more_than_its_bound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer, stall = FileWriter(), threading.Event()
    writer.run(lambda: stall.wait(5))
    clock = LoopClock()
    try:
        async with ringing(tmp_path, file_writer=writer) as it:
            began = clock.ms()
            await it.board.register(INCOMING)
            assert 200 < clock.ms() - began < 1_000
            assert it.files == []
            assert "the disk is slow" in caplog.text
            stall.set()
    finally:
        stall.set()
    assert it.files == [NAME]


async def test_a_session_that_broke_has_its_events_and_its_end_in_one_record(
    tmp_path: Path,
) -> None:
    records = CallRecords(CallLog(root=tmp_path))
    entry = CallEntry(call_id="c1", request=REQUEST, state=CallState.LIVE, epoch=1)
    await records.announce(entry)
    record = records.of(CallContext(call_id="c1"))
    assert record is not None
    record(Started(call="c1", seq=1, language="en"))
    record(Note(call="c1", seq=2, at_ms=40, what="said"))
    summary = CallSummary(call_id="c1", outcome="failed", reason="internal error")
    await records.end(attrs.evolve(entry, summary=summary))
    records.release("c1")
    (path,) = tmp_path.rglob("call.jsonl*")
    events = read_record(path)
    assert [(type(each), each.seq, each.call) for each in events] == [
        (Started, 1, "c1"),
        (Note, 2, "c1"),
        (Ended, 3, "c1"),
    ]


async def test_a_call_that_went_to_another_process_keeps_what_was_announced_and_no_file_open(
    tmp_path: Path,
) -> None:
    records = CallRecords(CallLog(root=tmp_path, file_writer=FileWriter()))
    entry = CallEntry(call_id="c1", request=REQUEST, state=CallState.RINGING)
    await records.announce(entry)
    records.release("c1")
    records.release("c1")
    assert records.log is not None
    await asyncio.to_thread(records.log.file_writer.settle, 5)
    assert [path.name for path in tmp_path.rglob("call.jsonl*")] == [RINGING]


async def test_without_a_log_nothing_is_kept() -> None:
    records = CallRecords()
    entry = CallEntry(call_id="c1", request=REQUEST, state=CallState.RINGING)
    await records.announce(entry)
    await records.end(entry)
    records.release("c1")
    records.finish_abandoned()
    assert records.of(CallContext(call_id="c1")) is None
