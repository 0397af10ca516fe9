"""A turn detector that judges by the text alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.turn_detector import TurnDetector
from patter_testing.fakes.stt import EVERY_FORMAT


def _sounds_finished(text: str) -> float:
    return 1.0 if text.rstrip().endswith((".", "!", "?")) else 0.0


@attrs.frozen(kw_only=True)
class FakeTurnDetector:
    """Judges by *judge* of the text alone; by default, punctuation ends a turn."""

    judge: Callable[[str], float] = _sounds_finished
    threshold: float = attrs.field(default=0.5, converter=float)
    window_ms: int = attrs.field(default=2_000, converter=int)
    takes_ms: float = attrs.field(default=0.0, converter=float)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT

    async def predict(self, audio: bytes, text: str) -> float:  # noqa: ARG002
        await asyncio.sleep(self.takes_ms / 1_000)
        return self.judge(text)


if TYPE_CHECKING:
    _: type[TurnDetector] = FakeTurnDetector
