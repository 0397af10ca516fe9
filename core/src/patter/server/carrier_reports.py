"""Applies what carriers report of calls: statuses, who answered, in whatever order they come.

Reports come late, twice, and before the call they are about; the decision what one changes is
`patter.server.calls.apply_report`, this does what follows from it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

import attrs

from patter.providers.carrier import Answerer, CarrierCall
from patter.server.call_slot import CallSlot, failed
from patter.server.calls import (
    UNREACHED,
    CallEntry,
    CallState,
    Detected,
    Reported,
    apply_report,
)
from patter.server.commands import CallCommand, HangUp, LineDown, MachineCommand
from patter.server.registry import CallRegistry
from patter.server.timeouts import Timeouts

# More dials than one process has under way at a time. Reports of calls that are not ours (an
# account shared with another application) fill this too, and push each other out.
CALLS = 256
# A dialled call has about six statuses and two detections until it is answered.
REPORTS = 16
LINE_DOWN = "completed"
"""The status that means for every carrier: the line is down."""

OnDetected: TypeAlias = Callable[[CallEntry, str], Awaitable[object]]
"""Called once for every call whose carrier says who answered, with the carrier's own word."""
Tell: TypeAlias = Callable[[str, CallCommand], Awaitable[bool]]
"""Hands a command to the call of that id."""
Spawn: TypeAlias = Callable[[Callable[[], Awaitable[None]], str], None]
"""Runs work beside the calls, under a name."""

log = logging.getLogger("patter.server")


@attrs.define(eq=False)
class PendingReports:
    """The reports of calls that are not known yet, in the order they came.

    A status webhook may overtake the answer to the dial, which tells the call's id. Bounded both
    ways: the oldest calls are forgotten first, and of each call the oldest reports.
    """

    _kept: OrderedDict[CarrierCall, deque[Reported | Detected]] = attrs.field(
        factory=OrderedDict, init=False
    )

    def keep(self, call: CarrierCall, report: Reported | Detected) -> None:
        """Keep *report* until its call is known and `take` fetches it."""
        self._kept.setdefault(call, deque(maxlen=REPORTS)).append(report)
        if len(self._kept) > CALLS:
            self._kept.popitem(last=False)

    def take(self, call: CarrierCall) -> tuple[Reported | Detected, ...]:
        """Return the reports of *call* and forget them."""
        return tuple(self._kept.pop(call, ()))


@attrs.define(eq=False, kw_only=True)
class CarrierReports:
    """The reports of all calls of one process; *slots* are the calls it has, by id."""

    registry: CallRegistry
    timeouts: Timeouts
    slots: Mapping[str, CallSlot]
    tell: Tell
    spawn: Spawn
    on_detected: OnDetected | None = None
    _pending: PendingReports = attrs.field(factory=PendingReports, init=False)

    async def find(self, call: CarrierCall) -> CallEntry | None:
        """The call that its carrier knows as *call*; None when there is none here."""
        async with self.timeouts.registry("find the call"):
            return await self.registry.find_at(call.carrier, call.carrier_call_id, call.account)

    async def take(self, call: CarrierCall, report: Reported | Detected) -> None:
        """Apply *report*; that of a call nobody knows yet is kept until `apply_pending`."""
        entry = await self.find(call)
        if entry is None:
            self._pending.keep(call, report)
        elif isinstance(report, Detected):
            await self._apply_answerer(entry, report)
        else:
            await self._apply_status(entry, report)

    async def apply_pending(self, call: CarrierCall) -> None:
        """Apply the reports that came before *call* was known."""
        for report in self._pending.take(call):
            await self.take(call, report)

    async def _apply_answerer(self, entry: CallEntry, report: Detected) -> None:
        """Note who answered; a machine gets its message, a fax is hung up on."""
        after = apply_report(entry, report)
        if after == entry:
            return
        self.registry.note(entry.call_id, report)
        if after.answerer is Answerer.MACHINE:
            await self.tell(entry.call_id, MachineCommand(after.beep))
        elif after.answerer is Answerer.FAX:
            await self.tell(entry.call_id, HangUp("fax"))
        self._notify_answerer(after, report.raw)

    def _notify_answerer(self, entry: CallEntry, raw: str) -> None:
        """Tell the application who answered, the first time the carrier says so."""
        slot = self.slots.get(entry.call_id)
        if slot is None or slot.answerer_reported or self.on_detected is None:
            return
        # A carrier corrects itself (`unknown`, then `machine`; the beep comes last): the agent
        # reacts to each, the application's callback is promised one call.
        slot.answerer_reported = True
        # Beside the calls: the webhook that brought the report is answered without waiting for
        # the application's code.
        work = partial(self._call_on_detected, self.on_detected, entry, raw)
        self.spawn(work, f"detected-{entry.call_id}")

    async def _call_on_detected(self, callback: OnDetected, entry: CallEntry, raw: str) -> None:
        try:
            async with asyncio.timeout(self.timeouts.callback_ms / 1_000):
                await callback(entry, raw)
        except Exception:
            log.exception("call %s: who took it could not be told", entry.call_id)

    async def _apply_status(self, entry: CallEntry, report: Reported) -> None:
        """Note *report*, and end the call that it says is over."""
        down = report.status == LINE_DOWN
        # "completed" may follow an outcome that stands already; it still ends the call.
        if entry.over or (apply_report(entry, report) == entry and not down):
            return
        self.registry.note(entry.call_id, report)
        if entry.state is CallState.LIVE:
            if down:
                await self.tell(entry.call_id, LineDown())
        elif down or report.outcome in UNREACHED:
            reason = f"the carrier reports {report.status}"
            if (slot := self.slots.get(entry.call_id)) is not None:
                slot.fail(failed(entry.call_id, reason, report.outcome))
