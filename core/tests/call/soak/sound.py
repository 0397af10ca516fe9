"""Sound that says what it is: every 10 ms tell which word they belong to, and where in it.

Four bytes repeat through a frame, each of another class, so a piece cut anywhere can be read. Code
0 is a voice without words. What is not of this alphabet, silence among it, is no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from patter.audio.formats import MULAW_8K

FRAME_MS = 10
FRAME = MULAW_8K.bytes_in(FRAME_MS)
QUIET = MULAW_8K.silence * FRAME
LETTER_MS = 60
PLACES = 64
NOISE = 0


@lru_cache(4096)
def frame(code: int, place: int) -> bytes:
    """10 ms of word *code*, the *place*-th of it."""
    four = (0xC0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x40 | code & 0x3F, place % PLACES)
    return bytes(four) * (FRAME // 4)


def sound(code: int, ms: int) -> bytes:
    """The sound of word *code*, *ms* long."""
    return b"".join(frame(code, place) for place in range(ms // FRAME_MS))


def silence(ms: int) -> bytes:
    """Nothing, for *ms*."""
    return QUIET * (ms // FRAME_MS)


def read(audio: bytes) -> Iterator[tuple[int, int] | None]:
    """The code and place of each 10 ms of *audio*; None where there is no sound."""
    for at in range(0, len(audio), FRAME):
        piece = audio[at : at + 7]
        for shift in range(len(piece) - 3):
            first, second, third, place = piece[shift : shift + 4]
            if 0xC0 <= first < 0xF0 and 0x80 <= second < 0xC0 and 0x40 <= third < 0x80:
                yield (first & 0x3F) << 12 | (second & 0x3F) << 6 | third & 0x3F, place
                break
        else:
            yield None


def word_ms(word: str) -> int:
    """How long *word* lasts when the agent speaks it, with the gap after it."""
    return (len(word) + 1) * LETTER_MS
