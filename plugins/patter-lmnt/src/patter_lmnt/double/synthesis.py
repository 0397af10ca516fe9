"""Audio that an LMNT of one's own speaks: in pieces, at a pace, with times, behind a header."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Iterator

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter_testing.doubles.vendor_sound import MS_PER_LETTER, sounded

PIECE_MS = 100
STREAMED = 0xFFFFFFFF
"""The size of what is not complete yet, in the header of a stream."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]+")


@attrs.frozen
class Synthesis:
    """*pace* is how many seconds of audio a second makes; 0: all of it at once."""

    audio: AudioFormat
    pace: float = 0.0
    ms_per_letter: int = MS_PER_LETTER

    def pieces(self, text: str) -> Iterator[bytes]:
        """The audio of *text*."""
        sound = sounded(text, self.audio, self.ms_per_letter)
        size = self.audio.bytes_in(PIECE_MS)
        for at in range(0, len(sound), size):
            yield sound[at : at + size]

    def tokens(self, text: str) -> Iterator[tuple[str, float, float]]:
        """What is timed of *text*, words and all that is not, with start and end in ms."""
        for token in _TOKEN.finditer(text):
            yield token[0], token.start() * self.ms_per_letter, token.end() * self.ms_per_letter

    async def rest(self) -> None:
        """Take the time that a piece takes."""
        await asyncio.sleep(PIECE_MS / 1_000 / self.pace if self.pace else 0)


def is_speakable(text: str) -> bool:
    """Is there anything in *text* that can be heard?"""
    return any(map(str.isalnum, text))


def wav_header(audio: AudioFormat) -> bytes:
    """The header that mu-law comes with: a format chunk of 18 bytes, a fact, and endless data."""
    kind = 7 if audio.encoding is Encoding.MULAW else 1
    size, rate = audio.sample_bytes, audio.rate_hz
    form = struct.pack("<HHIIHHH", kind, 1, rate, rate * size, size, 8 * size, 0)
    fact = struct.pack("<I", STREAMED)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + b"\4\0\0\0" + fact
    data = b"data" + struct.pack("<I", STREAMED)
    return b"RIFF" + struct.pack("<I", STREAMED) + b"WAVE" + chunks + data
