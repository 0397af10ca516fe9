"""One call inside the double: how it stands, what it was told to do, whom it reports to."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping
from typing import Any

import attrs

from patter.clock import Clock
from patter.providers.carrier import CallOutcome
from patter.providers.context import Direction
from patter.testing.doubles.call import DoubleCall

STATUS_OF = {
    CallOutcome.BUSY: "busy",
    CallOutcome.NO_ANSWER: "no-answer",
    CallOutcome.FAILED: "failed",
    CallOutcome.CANCELED: "canceled",
}
OVER = frozenset({"completed", *STATUS_OF.values()})
EVENT_OF = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}
USD_PER_MINUTE = {Direction.INBOUND: 0.0085, Direction.OUTBOUND: 0.013}


@attrs.frozen(kw_only=True)
class Orders:
    """What a call is to do when it is answered, and whom to tell how it goes."""

    twiml: str = ""
    url: str = ""
    status_callback: str = ""
    events: frozenset[str] = frozenset({"completed"})
    detection: str = ""
    detection_callback: str = ""
    timeout_s: float = 60


@attrs.define(eq=False)
class Recording:
    """A recording that ends with its call."""

    sid: str
    callback: str = ""


@attrs.define(eq=False, kw_only=True)
class Line:
    """A call as Twilio has it. *via* is its direction in Twilio's words.

    *headers* came with it over SIP. *dial_action* is where the result of its Dial goes.
    """

    call: DoubleCall
    clock: Clock = attrs.field(repr=False)
    orders: Orders = attrs.field(factory=Orders)
    via: str = "inbound"
    parent: Line | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    dial_action: str = ""
    recordings: list[Recording] = attrs.field(factory=list)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    answered_ms: float | None = attrs.field(default=None, init=False)
    ended_ms: float = attrs.field(default=0.0, init=False)
    _told: int = attrs.field(default=-1, init=False)
    _order: int = attrs.field(default=0, init=False)
    _program: asyncio.Task[Any] | None = attrs.field(default=None, init=False)

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.call.call_id

    @property
    def status(self) -> str:
        """The CallStatus."""
        return self.call.status

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.status in OVER

    @property
    def live(self) -> bool:
        """Is it answered and not over?"""
        return self.status == "in-progress"

    @property
    def seconds(self) -> int:
        """How long it was answered."""
        if self.answered_ms is None:
            return 0
        until = self.ended_ms if self.over else self.clock.ms()
        return math.ceil((until - self.answered_ms) / 1_000)

    @property
    def price(self) -> str | None:
        """What it cost, in US dollars, negative as Twilio has it; None until it is over."""
        if not self.over:
            return None
        return f"{-USD_PER_MINUTE[self.call.direction] * math.ceil(self.seconds / 60):.5f}"

    def becomes(self, status: str) -> None:
        """Change the status; what is over stays so."""
        if self.over:
            return
        self.call.status = status
        if status == "in-progress":
            self.answered_ms = self.clock.ms()
        if self.over:
            self.ended_ms = self.clock.ms()
            self.gone.set()
        self.call.note()

    def next_sequence(self) -> int:
        """The number of the next status callback, from 0."""
        self._told += 1
        return self._told

    def program(self, work: Coroutine[Any, Any, object]) -> Coroutine[Any, Any, object]:
        """*work* as the only thing this call does; what it did before is cancelled."""
        self.halt()
        return self._run(work, self._order)

    def halt(self) -> None:
        """Do nothing more; work that ends its own call goes on to its end."""
        self._order += 1
        program, self._program = self._program, None
        if program is not None and program is not asyncio.current_task():
            program.cancel()

    async def _run(self, work: Coroutine[Any, Any, object], order: int) -> None:
        if order != self._order:
            work.close()
            return
        self._program = asyncio.current_task()
        await work
