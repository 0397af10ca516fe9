"""A call as Plivo has it: what it is to do, its status, what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.providers.carrier import CallOutcome
from patter.providers.context import Direction
from patter_testing.doubles.line import DoubleLine
from patter_testing.doubles.stream import Stream

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
LOOP = ("UNKNOWN", "Loop Detected", "0")
"""The end of a call that was transferred too often; the code is not documented."""
MAX_TRANSFERS = 70
"""docs.plivo.com/docs/voice/api/call/transfer-a-call: the next one hangs up."""
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
class Line(DoubleLine):
    """A call. *parent* is the one whose Dial rang it, *began_s* when it began.

    *transfers* counts how often it was told to go elsewhere, *next_url* is where it goes when its
    stream has ended, and *stream_callback* who is told of that: address, stream, socket.
    *ended_by* is whose doing its end was, in Plivo's word for ``HangupSource``.
    """

    ends = OVER

    orders: Orders = attrs.field(factory=Orders)
    parent: Line | None = None
    sip: Mapping[str, str] = attrs.field(factory=dict)
    recordings: list[Recording] = attrs.field(factory=list)
    account: str = ""
    began_s: float = 0.0
    transfers: int = 0
    next_url: str = ""
    stream_callback: tuple[str, str, str] = ("", "", "")
    ended_by: str = "Unknown"
    loops: bool = False

    @property
    def uuid(self) -> str:
        """The CallUUID."""
        return self.call.call_id

    @property
    def outbound(self) -> bool:
        """Did the server place it?"""
        return self.call.direction is Direction.OUTBOUND

    @property
    def stream(self) -> Stream | None:
        """The stream that runs."""
        newest = self.call.streams[-1] if self.call.streams else None
        return newest if newest is not None and newest.ended is None else None

    @property
    def far_end(self) -> str:
        """Who is at the other end of the line, as Plivo calls them."""
        return "Callee" if self.outbound else "Caller"

    @property
    def cost(self) -> str:
        """What it cost in US dollars, by begun minutes."""
        return f"{USD_PER_MINUTE[self.call.direction] * self.minutes:.5f}"
