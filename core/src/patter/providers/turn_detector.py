"""Turn detectors: has the caller finished, judging by how it sounds and what was said?"""

from __future__ import annotations

from typing import Protocol

from patter.audio.formats import AudioFormat


class TurnDetector(Protocol):
    """Settings of a turn model. What else it may tell is in `ProviderTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]: ...

    @property
    def window_ms(self) -> int:
        """How much of the latest audio `predict` wants to see."""
        ...

    @property
    def threshold(self) -> float:
        """The probability from which the turn counts as finished, 0 to 1."""
        ...

    async def predict(self, audio: bytes, text: str) -> float:
        """How likely the caller has finished, 0 to 1. May run off the loop."""
        ...
