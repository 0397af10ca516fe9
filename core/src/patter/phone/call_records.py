"""The records of the calls of one `serve`: a call has one from when it is announced to its end.

The session of a call writes its events; what no session does is done here.
"""

from __future__ import annotations

import logging
from functools import partial

import attrs

from patter.clock import Clock, LoopClock
from patter.observe.call_log import CallLog, CallLogWriter
from patter.observe.codec import stamped
from patter.observe.events import Started
from patter.observe.summary import CallSummary
from patter.observe.unfinished import finish_abandoned
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.server.live_session import RecordKeeper

# A disk that works takes a millisecond. One that does not keeps no caller waiting for longer.
ANNOUNCE_S = 0.25
log = logging.getLogger("patter.phone.serving")


def settled(entry: CallEntry) -> CallEntry:
    """*entry* with a summary whose outcome is that of the call, unless its session failed."""
    summary = entry.summary or CallSummary(call_id=entry.call_id, outcome="failed")
    outcome = summary.outcome if entry.epoch else entry.reached.value
    return attrs.evolve(entry, summary=attrs.evolve(summary, outcome=outcome))


@attrs.define(eq=False)
class CallRecords:
    """The records that are being written, by call; *log* None keeps none."""

    log: CallLog | None = None
    clock: Clock = attrs.field(factory=LoopClock)
    _records: dict[str, CallLogWriter] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._records)

    def finish_abandoned(self) -> None:
        """Finish, some time soon, what a process that was killed left unfinished."""
        if self.log is not None:
            self.log.housekeeper.run(partial(finish_abandoned, self.log.root))

    async def announce(self, entry: CallEntry) -> None:
        if self.log is None:
            return
        if (record := self._records.get(entry.call_id)) is None:
            record = self._opened(self.log, entry.call_id, entry.request.wall)
            record.announce(self._started(entry))
        if not await record.announced(ANNOUNCE_S):
            log.warning("call %s: the disk is slow, its record has not begun yet", entry.call_id)

    def release(self, call_id: str) -> None:
        if (record := self._records.pop(call_id, None)) is not None:
            record.end()

    def of(self, call: CallContext) -> CallLogWriter | None:
        """The record of *call*, whose session begins."""
        if self.log is None:
            return None
        return self._records.get(call.call_id) or self._opened(
            self.log, call.call_id, call.clock.wall()
        )

    async def end(self, entry: CallEntry) -> None:
        """Complete the record of *entry*, whose end no session has reported."""
        if self.log is None:
            return
        record = self._records.get(entry.call_id)
        if record is None:
            record = self._opened(self.log, entry.call_id, entry.request.wall)
        summary = entry.summary or CallSummary(call_id=entry.call_id, outcome=entry.reached.value)
        if record.last is None:
            started = self._started(entry)
            record.note(started)
            lasted_ms = max(0, round((self.clock.wall() - started.wall) * 1_000))
            record.note(stamped(summary.event(), entry.call_id, 2, lasted_ms))
        else:
            record.note_next(summary.event())
        await self.finish(record, entry.call_id)

    async def finish(self, record: CallLogWriter, call_id: str) -> None:
        """Complete *record*, within the time that the disk may take."""
        if not await record.finish():
            log.warning("call %s: its record is not complete yet", call_id)

    def _opened(self, to: CallLog, call_id: str, wall: float) -> CallLogWriter:
        record = self._records[call_id] = to.open(call_id, wall or self.clock.wall())
        return record

    def _started(self, entry: CallEntry) -> Started:
        """What is known of a call that has not begun."""
        request = entry.request
        started = Started(
            caller=request.caller,
            callee=request.callee,
            direction=request.direction.value,
            carrier=request.carrier,
            carrier_call_id=request.carrier_call_id,
            agent=request.agent,
            wall=request.wall or self.clock.wall(),
        )
        return stamped(started, entry.call_id, 1, 0)


_: type[RecordKeeper] = CallRecords
