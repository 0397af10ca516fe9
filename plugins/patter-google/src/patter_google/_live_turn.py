"""What the vendor owes and does: responses that were asked for, and the turn it is in (pure)."""

from __future__ import annotations

import attrs

from patter.providers.engine_events import ResponseCause

CUT_MS = 1_000.0
"""How long the end of a turn may take that was interrupted: it brings what the turn cost."""

QUIET_MS = 1_000.0
"""A turn that called a tool is over when nothing more came of it for so long."""


@attrs.define(eq=False)
class PendingResponse:
    """A response that the vendor will begin; given up at *by_ms*. *unwanted*: nobody waits."""

    id: str
    cause: ResponseCause
    by_ms: float
    unwanted: bool = False


@attrs.frozen
class Request:
    """A response to be asked for with *text*, which is written for the caller.

    Where a tool holds it up it is given up at *by_ms*.
    """

    id: str
    text: str
    by_ms: float
    cause: ResponseCause = ResponseCause.REQUEST


@attrs.define(eq=False)
class VendorTurn:
    """The turn that the vendor is in: response *id*.

    *plays_until_ms* is when a telephone will have played all of its audio, which the vendor waits
    for. *generated*: no more comes of it, but its end. *cut*: it was interrupted.
    """

    id: str
    last_ms: float
    plays_until_ms: float = 0.0
    sound_ms: float = 0.0
    wants_tools: bool = False
    generated: bool = False
    cut: bool = False

    def play(self, ms: float, now_ms: float) -> None:
        """More audio came: *ms* of it."""
        self.sound_ms += ms
        self.plays_until_ms = max(self.plays_until_ms, now_ms) + ms

    def over_ms(self, patience_ms: float) -> float:
        """When it is over, if nothing more comes of it."""
        if self.cut:
            return self.last_ms + CUT_MS
        if self.wants_tools:
            return max(self.last_ms + QUIET_MS, self.plays_until_ms)
        return max(self.last_ms, self.plays_until_ms) + patience_ms
