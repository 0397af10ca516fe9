"""The transfer of a caller: where they are meanwhile, and how it ended.

The turn engine decides when to transfer. This follows its phases, and knows which end of the
media means that the caller is gone and which only that the carrier has them.
"""

from __future__ import annotations

from enum import StrEnum

import attrs
import orjson

from patter.call.history import History, HistoryRow
from patter.call.turn.events import CallerHungUp, TransferFailed, TransferTaken, TurnEvent
from patter.call.turn.state import Phase
from patter.observe.call_events import CallEvents
from patter.observe.events import Note, Wire
from patter.providers.llm import ToolRequest

TRANSFERRED = "transferred"
"""The reason of a call that somebody else has taken."""
LATE_MS = 2_000
"""After a failed transfer, a leg that closes within this time is the old leg, not a hang-up."""
UNKNOWN = "nobody took the call in time"


class CallerLocation(StrEnum):
    """Who has the caller.

    ``hold``: being transferred, and nobody has answered yet. ``human``: somebody has, so that
    it is no longer our call. ``ended``: for our part, the call is over.
    """

    AGENT = "agent"
    HOLD = "hold"
    HUMAN = "human"
    ENDED = "ended"


def caller_location(phase: Phase, *, taken: bool, ended: bool) -> CallerLocation:
    """Where the caller is, from the engine's *phase* and how a transfer went.

    *ended* wins over all else, and a caller who was *taken* does not come back.
    """
    if ended:
        return CallerLocation.ENDED
    if taken:
        return CallerLocation.HUMAN
    if phase is Phase.AWAY:
        return CallerLocation.HOLD
    return CallerLocation.ENDED if phase is Phase.OVER else CallerLocation.AGENT


@attrs.define(eq=False)
class TransferState:
    """The transfers of one call.

    *reports*: the carrier reports how they end, and brings callers back. *away*: is one in
    progress?
    """

    events: CallEvents
    history: History
    reports: bool = False
    where: CallerLocation = attrs.field(default=CallerLocation.AGENT, init=False)
    away: bool = attrs.field(default=False, init=False)
    taken: bool = attrs.field(default=False, init=False)
    count: int = attrs.field(default=0, init=False)
    _phase: Phase = attrs.field(default=Phase.RINGING, init=False)
    _target: str = attrs.field(default="", init=False)
    _back_ms: int | None = attrs.field(default=None, init=False)

    def begin(self, target: str) -> None:
        """The carrier is asked to transfer the caller to *target*."""
        self.count, self._target = self.count + 1, target

    def phase_changed(self, phase: Phase, event: TurnEvent) -> None:
        """The engine entered *phase*, because of *event*."""
        before, self._phase = self._phase, phase
        self.away = phase is Phase.AWAY
        if before is Phase.AWAY:
            self._transfer_ended(phase, event)
        self._note()

    def ended(self) -> None:
        """For our part, the call is over."""
        self._note(ended=True)

    def leg_came(self) -> None:
        """This is the media the caller is on."""
        self._back_ms = None

    @property
    def outlives_leg(self) -> bool:
        """Is the end of a leg no hang-up, because the carrier will report where the caller is?"""
        ms = self._back_ms
        just_back = ms is not None and self.events.now_ms() - ms <= LATE_MS
        return self.reports and (self.away or just_back)

    def _transfer_ended(self, phase: Phase, event: TurnEvent) -> None:
        gone = isinstance(event, CallerHungUp) and not self.reports
        if isinstance(event, TransferTaken) or gone:
            self.taken = True
        elif phase is not Phase.OVER:
            self._back_ms = self.events.now_ms()
            self._remember(event)

    def _remember(self, event: TurnEvent) -> None:
        """Tell the model, as the result of its tool call, that the transfer failed."""
        status = event.status if isinstance(event, TransferFailed) else ""
        result = f"Not transferred to {self._target}: {status or UNKNOWN}. The caller is back."
        arguments = orjson.dumps({"number": self._target}).decode()
        request = ToolRequest(f"transfer-{self.count}", "transfer_call", arguments)
        now = self.events.now_ms()
        self.history.add(HistoryRow("tool", 0, result, now, request=request))
        self.events.emit(Note(what="transfer_failed", text=result))

    def _note(self, *, ended: bool = False) -> None:
        where = caller_location(self._phase, taken=self.taken, ended=ended)
        if where is not self.where:
            self.where = where
            self.events.emit(Wire(what="where", name=where.value))
