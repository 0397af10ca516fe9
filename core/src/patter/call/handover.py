"""How a caller is handed over: where they are meanwhile, and how it ended.

The turn engine decides when; this follows its phases, and knows which end of the media means
that the caller is gone and which only that the carrier has them.
"""

from __future__ import annotations

import attrs
import orjson

from patter.call import cues as c
from patter.call.floor import Phase
from patter.call.history import History, Row
from patter.call.whereabouts import Whereabouts, whereabouts
from patter.observe.events import EventType
from patter.observe.journal import Journal
from patter.providers.llm import ToolRequest

TRANSFERRED = "transferred"
"""The reason of a call that somebody else has taken."""
LATE_MS = 2_000
"""So long after the news of a failed transfer the media from before it may still be ending."""
UNKNOWN = "nobody took the call in time"


@attrs.define(eq=False)
class Handover:
    """One call's handing over. *tells*: the carrier says how it ended, and brings callers back."""

    journal: Journal
    history: History
    tells: bool = False
    where: Whereabouts = attrs.field(default=Whereabouts.AGENT, init=False)
    taken: bool = attrs.field(default=False, init=False)
    count: int = attrs.field(default=0, init=False)
    _phase: Phase = attrs.field(default=Phase.RINGING, init=False)
    _target: str = attrs.field(default="", init=False)
    _back_ms: int | None = attrs.field(default=None, init=False)

    def asked(self, target: str) -> None:
        """The engine asks for a transfer to *target*."""
        self.count, self._target = self.count + 1, target

    def moved(self, phase: Phase, event: c.Event) -> None:
        """The engine is in another *phase*, because of *event*."""
        before, self._phase = self._phase, phase
        if before is Phase.AWAY:
            self._left(phase, event)
        self._note()

    def ended(self) -> None:
        """For our part, the call is over."""
        self._note(ended=True)

    def leg_came(self) -> None:
        """This is the media the caller is on."""
        self._back_ms = None

    @property
    def away(self) -> bool:
        """Is the caller handed over, and nobody knows yet how that ends?"""
        return self._phase is Phase.AWAY

    @property
    def outlives_leg(self) -> bool:
        """Does the end of the media say nothing about the caller, for the carrier will?"""
        ms = self._back_ms
        just_back = ms is not None and self.journal.now_ms() - ms <= LATE_MS
        return self.tells and (self.away or just_back)

    def _left(self, phase: Phase, event: c.Event) -> None:
        gone = isinstance(event, c.HungUp) and not self.tells
        if isinstance(event, c.TransferTaken) or gone:
            self.taken = True
        elif phase is not Phase.OVER:
            self._back_ms = self.journal.now_ms()
            self._remember(event)

    def _remember(self, event: c.Event) -> None:
        """The model's next turn must know what became of the transfer it asked for."""
        status = event.status if isinstance(event, c.TransferFailed) else ""
        told = f"Not transferred to {self._target}: {status or UNKNOWN}. The caller is back."
        arguments = orjson.dumps({"number": self._target}).decode()
        request = ToolRequest(f"transfer-{self.count}", "transfer_call", arguments)
        now = self.journal.now_ms()
        self.history.add(Row("tool", 0, told, now, request=request))
        self.journal.note(EventType.NOTE, what="transfer_failed", text=told)

    def _note(self, *, ended: bool = False) -> None:
        where = whereabouts(self._phase, taken=self.taken, ended=ended)
        if where is not self.where:
            self.where = where
            self.journal.note(EventType.WIRE, what="where", name=where.value)
