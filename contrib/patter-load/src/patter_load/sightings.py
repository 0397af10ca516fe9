"""What callers have seen of the agent: turns, gaps in its sound, calls that broke.

Times are nanoseconds of the machine's monotonic clock. One `Sightings` belongs to all callers of a
measured stretch.
"""

from __future__ import annotations

import attrs

MS: int = 1_000_000
KEPT: int = 1_000_000
"""How many pieces' jitter is kept; at most, a list must end somewhere."""


@attrs.define(eq=False)
class Turn:
    """A step *at* which the caller spoke; 0 while a moment has not come. *barge*: into a reply."""

    at: int
    barge: bool = False
    began_ns: int = 0
    ended_ns: int = 0
    clear_ns: int = 0
    answer_ns: int = 0
    seen: Sightings | None = attrs.field(default=None, repr=False)

    @property
    def response_ms(self) -> float | None:
        """From the end of the voice to the first sound of the answer; None without one."""
        if not (self.ended_ns and self.answer_ns) or (self.barge and not self.clear_ns):
            return None
        return (self.answer_ns - self.ended_ns) / MS

    @property
    def clear_ms(self) -> float | None:
        """From the caller's first sound to the clear; None when there was none."""
        return (self.clear_ns - self.began_ns) / MS if self.barge and self.clear_ns else None


@attrs.define(eq=False)
class Sightings:
    """*jitter_ms*: how much later a piece of a reply came than the one before it lasted."""

    turns: list[Turn] = attrs.field(factory=list)
    underruns: int = 0
    worst_gap_ms: float = 0.0
    lost_turns: int = 0
    calls: int = 0
    problems: list[str] = attrs.field(factory=list)
    jitter_ms: list[float] = attrs.field(factory=list)

    def turn(self, turn: Turn) -> None:
        """Something of *turn* was seen in this stretch; it may have begun before."""
        if turn.seen is not self:
            turn.seen = self
            self.turns.append(turn)

    def gap(self, ms: float) -> None:
        """The sound of a reply broke off for *ms*."""
        self.underruns += 1
        self.worst_gap_ms = max(self.worst_gap_ms, ms)

    def late(self, ms: float) -> None:
        """A piece of a reply came so late."""
        if len(self.jitter_ms) < KEPT:
            self.jitter_ms.append(max(0.0, ms))
