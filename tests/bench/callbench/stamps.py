"""What was seen of one turn, in nanoseconds of the machine's monotonic clock.

Callers and vendors write the same record: they live in one process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from callbench import script

now_ns: Callable[[], int] = time.monotonic_ns


@dataclass(slots=True)
class Turn:
    """The moments of one turn; 0 while they have not come. *barge* cuts into a reply."""

    barge: bool = False
    evidence_ns: int = 0
    clear_ns: int = 0
    final_ns: int = 0
    asked_ns: int = 0
    sentence_ns: int = 0
    spoken_ns: int = 0
    voiced_ns: int = 0
    carrier_ns: int = 0
    got_bytes: int = 0
    cut: bool = False

    @property
    def overhead_ms(self) -> float | None:
        """What the turn spent between its vendors and its carrier; None if it has not ended."""
        stages = self.stages_ms
        return sum(stages) if stages else None

    @property
    def stages_ms(self) -> tuple[float, float, float] | None:
        """Final to model, sentence to voice, voice to carrier."""
        pairs = (
            (self.final_ns, self.asked_ns),
            (self.sentence_ns, self.spoken_ns),
            (self.voiced_ns, self.carrier_ns),
        )
        if not all(began and ended for began, ended in pairs):
            return None
        first, second, third = ((ended - began) / 1e6 for began, ended in pairs)
        return first, second, third

    @property
    def barge_in_ms(self) -> float | None:
        """From the evidence to the clear."""
        if not (self.barge and self.evidence_ns and self.clear_ns):
            return None
        return (self.clear_ns - self.evidence_ns) / 1e6


@dataclass(slots=True, eq=False)
class CallLog:
    """What was seen of call *number*. Counts are of the measured window where it says so.

    *first_frame_ns*: when the caller's audio began.
    *cuts_ms*: what was truly heard between one clear and the next, where somebody knows.
    """

    call_id: str
    number: int
    first_frame_ns: int = 0
    turns: list[Turn] = field(default_factory=lambda: [Turn()])
    underruns: int = 0
    worst_gap_ms: float = 0.0
    stale_frames: int = 0
    lost_turns: int = 0
    frames_out: int = 0
    frames_to_stt: int = 0
    cuts_ms: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def name(self) -> str:
        """What the caller is called."""
        return script.name_of(self.number)

    @property
    def greeting_ms(self) -> float | None:
        """From the caller's first audio to the agent's; None when nobody was greeted."""
        greeted_ns = self.turns[0].carrier_ns
        if not (greeted_ns and self.first_frame_ns):
            return None
        return (greeted_ns - self.first_frame_ns) / 1e6

    @property
    def turn(self) -> Turn:
        """The turn in progress."""
        return self.turns[-1]
