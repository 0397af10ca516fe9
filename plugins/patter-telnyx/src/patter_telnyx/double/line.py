"""One call inside the double: how it stands, what it streams, whom it is connected to."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter.clock import Clock
from patter.providers.carrier import CallOutcome
from patter.providers.context import Direction
from patter.testing.doubles.call import DoubleCall
from patter.testing.doubles.stream import Stream

CAUSE_OF = {
    CallOutcome.BUSY: "user_busy",
    CallOutcome.NO_ANSWER: "no_answer",
    CallOutcome.FAILED: "call_rejected",
    CallOutcome.CANCELED: "originator_cancel",
}
USD_PER_MINUTE = {Direction.INBOUND: 0.0055, Direction.OUTBOUND: 0.007}
RINGING, ANSWERED, OVER = "ringing", "answered", "hangup"


@attrs.define(eq=False, kw_only=True)
class Line:
    """A call as Telnyx has it. *state* is ours, returned with every event.

    *linked* is the call it was dialled for, *cold* whether Telnyx itself dialled it then;
    *peer* whom it is connected to. *headers* came with it over SIP.
    """

    call: DoubleCall
    clock: Clock = attrs.field(repr=False)
    incoming: bool
    webhook_url: str
    state: str = ""
    linked: Line | None = None
    cold: bool = False
    detection: str = ""
    streaming: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Sequence[Mapping[str, str]] = ()
    peer: Line | None = attrs.field(default=None, init=False)
    stream: Stream | None = attrs.field(default=None, init=False)
    speaking: bool = attrs.field(default=False, init=False)
    ended: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _answered_ms: float | None = attrs.field(default=None, init=False)
    _ended_ms: float = attrs.field(default=0.0, init=False)

    @property
    def call_id(self) -> str:
        """The call_control_id."""
        return self.call.call_id

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.call.status == OVER

    @property
    def live(self) -> bool:
        """Is it answered and not over?"""
        return self.call.status == ANSWERED

    @property
    def streams(self) -> bool:
        """Is there a stream that has not ended?"""
        return self.stream is not None and self.stream.ended is None

    @property
    def seconds(self) -> int:
        """How long it was answered."""
        if self._answered_ms is None:
            return 0
        until = self._ended_ms if self.over else self.clock.ms()
        return math.ceil((until - self._answered_ms) / 1_000)

    @property
    def cost(self) -> float:
        """What it cost, in US dollars."""
        return USD_PER_MINUTE[self.call.direction] * math.ceil(self.seconds / 60)

    def becomes(self, status: str) -> None:
        """Change the status; what is over stays so."""
        if self.over:
            return
        self.call.status = status
        if status == ANSWERED:
            self._answered_ms = self.clock.ms()
        if status == OVER:
            self._ended_ms = self.clock.ms()
            self.ended.set()
        self.call.note()
