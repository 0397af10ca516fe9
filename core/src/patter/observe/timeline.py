"""Where audio lies in a recording: arithmetic on samples, no files. Pure.

Two channels on one clock. What comes too early for the audio before it follows it; what was
cut off is given back; everything else lies where it was played, to the sample.
"""

from __future__ import annotations

from enum import IntEnum

import attrs

MAX_LAG_MS = 1_000


class Side(IntEnum):
    """The channels of a recording."""

    CALLER = 0
    AGENT = 1


@attrs.define(eq=False)
class Timeline:
    """How far each channel has been filled, at *rate_hz* samples a second.

    A stream that arrives in bursts would run ahead of its clock without end; what would lie
    more than a second behind its time is left out and counted in *late* (samples).
    """

    rate_hz: int
    ends: list[int] = attrs.field(factory=lambda: [0, 0], init=False)
    late: int = attrs.field(default=0, init=False)

    def sample(self, at_ms: float) -> int:
        """The sample that sounds at *at_ms*."""
        return max(0, round(at_ms * self.rate_hz / 1_000))

    def lag(self, side: Side, at_ms: float) -> int:
        """By how many samples what is heard from *at_ms* on would come too late."""
        return max(0, self.ends[side] - self.sample(at_ms))

    def put(self, side: Side, at_ms: float, count: int) -> int | None:
        """Where to write *count* samples heard from *at_ms* on; None to leave them out."""
        wanted = self.sample(at_ms)
        start = max(wanted, self.ends[side])
        if start - wanted > self.sample(MAX_LAG_MS):
            self.late += count
            return None
        self.ends[side] = start + count
        return start

    def cut(self, side: Side, at_ms: float) -> tuple[int, int]:
        """Take back what lies at *at_ms* and later: (first sample, one past the last)."""
        end = self.ends[side]
        start = min(self.sample(at_ms), end)
        self.ends[side] = start
        return start, end

    @property
    def length(self) -> int:
        """Samples until both channels are silent for good."""
        return max(self.ends)
