"""Audio that a Rime of one's own speaks: in pieces, at a pace, with the times of its words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TypedDict

import attrs

from patter.audio.formats import AudioFormat
from patter_testing.doubles.vendor_sound import MS_PER_LETTER, sounded

PIECE_MS = 100
_WORD = re.compile(r"[\w'’-]+|[^\w\s]+")


class WordTimestamps(TypedDict):
    """Words and their times, as messages have them: three lists of one length."""

    words: list[str]
    start: list[float]
    end: list[float]


@attrs.frozen
class Synthesis:
    """*pace* is how many seconds of audio a second makes; 0: all of it at once.

    *odd_bytes* more in each piece than are whole samples.
    """

    audio: AudioFormat
    pace: float = 0.0
    ms_per_letter: int = MS_PER_LETTER
    odd_bytes: int = 0

    def pieces(self, text: str) -> Iterator[bytes]:
        """The audio of *text*."""
        sound = sounded(text.strip(), self.audio, self.ms_per_letter)
        size = self.audio.bytes_in(PIECE_MS) + self.odd_bytes
        for at in range(0, len(sound), size):
            yield sound[at : at + size]

    async def rest(self) -> None:
        """Take the time that a piece takes."""
        await asyncio.sleep(PIECE_MS / 1_000 / self.pace if self.pace else 0)


def word_timestamps(
    text: str, ms_per_letter: int = MS_PER_LETTER, *, split: bool = False
) -> WordTimestamps:
    """Where the words of *text* lie, in seconds; with *split*, punctuation is a word.

    >>> word_timestamps("hi you.", 100)
    {'words': ['hi', 'you.'], 'start': [0.0, 0.3], 'end': [0.2, 0.7]}
    >>> word_timestamps("hi.", 100, split=True)["words"]
    ['hi', '.']
    """
    pattern = _WORD if split else re.compile(r"\S+")
    matches = list(pattern.finditer(text.strip()))
    return {
        "words": [word[0] for word in matches],
        "start": [word.start() * ms_per_letter / 1_000 for word in matches],
        "end": [word.end() * ms_per_letter / 1_000 for word in matches],
    }


def is_speakable(text: str) -> bool:
    """Is there anything in *text* that can be heard?"""
    return any(map(str.isalnum, text))
