"""The record of a call without media: who was called, and how the call ended.

A call with media is written down by its session; every other one is written down here.
"""

from __future__ import annotations

import attrs

from patter.clock import Clock
from patter.observe.call_events import CallEvents
from patter.observe.call_log import CallLog
from patter.observe.events import Started
from patter.observe.summary import CallSummary
from patter.server.calls import CallEntry


def settled(entry: CallEntry) -> CallEntry:
    """*entry* with a summary whose outcome is that of the call, unless its session failed."""
    summary = entry.summary or CallSummary(call_id=entry.call_id, outcome="failed")
    outcome = summary.outcome if entry.epoch else entry.reached.value
    return attrs.evolve(entry, summary=attrs.evolve(summary, outcome=outcome))


async def write_down(entry: CallEntry, log: CallLog, clock: Clock) -> bool:
    """Keep the record of *entry*, a call that is over; False when the disk took too long."""
    request, now = entry.request, clock.wall()
    began = request.wall or now
    record = log.open(entry.call_id, began)
    events = CallEvents(entry.call_id, now_ms=lambda: max(0, round((now - began) * 1_000)))
    events.subscribe(record)
    started = Started(
        caller=request.caller,
        callee=request.callee,
        direction=request.direction.value,
        carrier=request.carrier,
        carrier_call_id=request.carrier_call_id,
        agent=request.agent,
        wall=began,
    )
    events.emit(started, at_ms=0)
    summary = entry.summary or CallSummary(call_id=entry.call_id, outcome=entry.reached.value)
    events.emit(summary.event())
    return await record.finish()
