"""Turn detectors: has the caller finished, judging by how it sounds and what was said?

A detector has a vote on how long a pause may last, and no other power. It is asked once a pause.
"""

from __future__ import annotations

from typing import Protocol

import attrs
from attrs.validators import ge, gt, le

from patter.audio.formats import AudioFormat
from patter.providers.traits import ProviderTraits


@attrs.frozen(kw_only=True)
class TurnDetectorTraits(ProviderTraits):
    """What a turn detector tells of itself; its numbers are checked before a call relies on them.

    *window_ms* and *threshold* are those of `TurnDetector`.
    """

    window_ms: int = attrs.field(default=8_000, validator=[ge(1), le(30_000)])
    threshold: float = attrs.field(default=0.5, validator=[gt(0), le(1)])


class TurnDetector(Protocol):
    """Settings of a turn model. What else it may tell is in `TurnDetectorTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """What `predict` takes, best first; one call uses one of them."""
        ...

    @property
    def window_ms(self) -> int:
        """How much of the latest audio `predict` wants to see, 1 to 30 000."""
        ...

    @property
    def threshold(self) -> float:
        """The probability from which the turn counts as finished, above 0 and up to 1."""
        ...

    async def predict(self, audio: bytes, text: str) -> float:
        """How likely the caller has finished, 0 to 1.

        *audio* is the end of the caller's turn, `window_ms` of it or less, the pause included;
        *text* is what was recognised of it by now, perhaps nothing. Compute off the loop:
        every call of the process is on it. Whoever asks gives up after
        `TurnRules.verdict_wait_ms`, and cancels when the caller talks again. What is raised is
        noted in the record.
        """
        ...
