"""One call inside the double: how it stands, what it streams, whom it is connected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter.providers.carrier import CallOutcome
from patter.providers.context import Direction
from patter_testing.doubles.line import DoubleLine
from patter_testing.doubles.stream import Stream

CAUSE_OF = {
    CallOutcome.BUSY: "user_busy",
    CallOutcome.NO_ANSWER: "no_answer",
    CallOutcome.FAILED: "call_rejected",
    CallOutcome.CANCELED: "originator_cancel",
}
USD_PER_MINUTE = {Direction.INBOUND: 0.0055, Direction.OUTBOUND: 0.007}
RINGING, ANSWERED, OVER = "ringing", "answered", "hangup"


@attrs.define(eq=False, kw_only=True)
class Line(DoubleLine):
    """A call as Telnyx has it. *state* is ours, returned with every event.

    *linked* is the call it was dialled for, *cold* whether Telnyx itself dialled it then;
    *peer* whom it is connected to. *headers* came with it over SIP.
    """

    up = ANSWERED
    ends = frozenset({OVER})

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

    @property
    def call_id(self) -> str:
        """The call_control_id."""
        return self.call.call_id

    @property
    def streams(self) -> bool:
        """Is there a stream that has not ended?"""
        return self.stream is not None and self.stream.ended is None

    @property
    def cost(self) -> float:
        """What it cost, in US dollars."""
        return USD_PER_MINUTE[self.call.direction] * self.minutes
