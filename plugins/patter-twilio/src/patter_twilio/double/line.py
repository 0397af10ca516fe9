"""One call inside the double: how it stands, what it is to do, whom it reports to."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.providers.carrier import CallOutcome
from patter.providers.context import Direction
from patter_testing.doubles.line import DoubleLine

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
    status: str = "in-progress"


@attrs.define(eq=False, kw_only=True)
class Line(DoubleLine):
    """A call as Twilio has it. *via* is its direction in Twilio's words.

    *headers* came with it over SIP. *dial_action* is where the result of its Dial goes.
    """

    ends = OVER

    orders: Orders = attrs.field(factory=Orders)
    via: str = "inbound"
    parent: Line | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    dial_action: str = ""
    recordings: list[Recording] = attrs.field(factory=list)
    _reports: int = attrs.field(default=-1, init=False)

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.call.call_id

    @property
    def price(self) -> str | None:
        """What it cost, in US dollars, negative as Twilio has it; None until it is over."""
        if not self.over:
            return None
        return f"{-USD_PER_MINUTE[self.call.direction] * self.minutes:.5f}"

    def next_sequence(self) -> int:
        """The number of the next status callback, from 0."""
        self._reports += 1
        return self._reports
