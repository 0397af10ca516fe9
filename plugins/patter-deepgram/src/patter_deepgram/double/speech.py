"""Audio that a Deepgram of one's own speaks: in pieces, at a pace, and stopped in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import attrs

from patter.audio.formats import AudioFormat
from patter_testing.doubles.vendor_sound import MS_PER_LETTER, sounded

PIECE_MS = 100
RATES = {
    "mulaw": (8_000, 16_000),
    "alaw": (8_000, 16_000),
    "linear16": (8_000, 16_000, 24_000, 32_000, 44_100, 48_000),
}


@attrs.frozen
class Synthesis:
    """*pace* is how many seconds of audio a second makes; 0: all of it at once."""

    audio: AudioFormat
    pace: float = 0.0
    ms_per_letter: int = MS_PER_LETTER

    def pieces(self, text: str) -> Iterator[bytes]:
        """The audio of *text*."""
        sound = sounded(text.strip(), self.audio, self.ms_per_letter)
        size = self.audio.bytes_in(PIECE_MS)
        for at in range(0, len(sound), size):
            yield sound[at : at + size]

    async def rest(self) -> None:
        """Take the time that a piece takes."""
        await asyncio.sleep(PIECE_MS / 1_000 / self.pace if self.pace else 0)

    def heard_of(self, text: str, played_ms: float) -> tuple[str, str]:
        """What of *text* was played in *played_ms* of its audio, and what was not, in words."""
        letters = int(played_ms // self.ms_per_letter)
        if letters >= len(text):
            return text, ""
        cut = text.rfind(" ", 0, letters + 1)
        return text[: max(cut, 0)], text[max(cut, 0) :]


def is_speakable(text: str) -> bool:
    """Is there anything in *text* that can be heard?"""
    return any(map(str.isalnum, text))
