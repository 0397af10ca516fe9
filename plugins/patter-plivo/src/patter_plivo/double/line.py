"""A call as Plivo has it: what it was told to do, how it stands, what it costs."""

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

OVER = frozenset({"completed", "busy", "failed", "timeout", "no-answer", "cancel", "rejected"})
STATUS_OF = {
    CallOutcome.BUSY: "busy",
    CallOutcome.NO_ANSWER: "no-answer",
    CallOutcome.FAILED: "failed",
    CallOutcome.CANCELED: "cancel",
}
CAUSES = {
    "completed": ("NORMAL_CLEARING", "Normal Hangup", "4000"),
    "busy": ("USER_BUSY", "Busy Line", "3010"),
    "no-answer": ("NO_ANSWER", "No Answer", "3020"),
    "timeout": ("NO_ANSWER", "Ring Timeout Reached", "3000"),
    "cancel": ("ORIGINATOR_CANCEL", "Canceled", "1000"),
    "rejected": ("CALL_REJECTED", "Rejected", "3030"),
}
USD_PER_MINUTE = {Direction.INBOUND: 0.0055, Direction.OUTBOUND: 0.0115}


@attrs.frozen(kw_only=True)
class Orders:
    """What the server asked for with a call."""

    answer_url: str = ""
    hangup_url: str = ""
    ring_url: str = ""
    detection_url: str = ""
    timeout_s: float = 120


@attrs.frozen
class Recording:
    """A recording that ends with its call."""

    recording_id: str
    callback_url: str = ""


@attrs.define(eq=False, kw_only=True)
class Line:
    """A call. *parent* is the one whose Dial rang it.

    *decided* is set once it was answered or is over, *gone* once it is over.
    """

    call: DoubleCall
    clock: Clock = attrs.field(repr=False)
    orders: Orders = attrs.field(factory=Orders)
    parent: Line | None = None
    sip: Mapping[str, str] = attrs.field(factory=dict)
    recordings: list[Recording] = attrs.field(factory=list)
    decided: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    answered_ms: float | None = attrs.field(default=None, init=False)
    ended_ms: float = attrs.field(default=0.0, init=False)
    _order: int = attrs.field(default=0, init=False)
    _program: asyncio.Task[Any] | None = attrs.field(default=None, init=False)

    @property
    def uuid(self) -> str:
        """The CallUUID."""
        return self.call.call_id

    @property
    def outbound(self) -> bool:
        """Did the server place it?"""
        return self.call.direction is Direction.OUTBOUND

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
    def cost(self) -> str:
        """What it cost in US dollars, by begun minutes."""
        return f"{USD_PER_MINUTE[self.call.direction] * math.ceil(self.seconds / 60):.5f}"

    def becomes(self, status: str) -> None:
        """Change the status; what is over stays so."""
        if self.over:
            return
        self.call.status = status
        if status == "in-progress":
            self.answered_ms = self.clock.ms()
            self.decided.set()
        if self.over:
            self.ended_ms = self.clock.ms()
            self.decided.set()
            self.gone.set()
        self.call.note()

    def only(self, work: Coroutine[Any, Any, object]) -> Coroutine[Any, Any, object]:
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
