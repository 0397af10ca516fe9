"""What is said on a benchmark call, and how long it takes. Lengths in milliseconds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

FRAME_MS: Final = 20
BYTES_PER_MS: Final = 8
FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS

SILENCE: Final = bytes([0xFF]) * FRAME_BYTES
AGENT_BYTE: Final = b"\x33"

NAME_LETTERS: Final = 3
"""Enough for 17,576 callers."""


def voice_of(number: int) -> bytes:
    """A frame of the voice of caller *number*, who is known by it: two bytes over and over."""
    return bytes(divmod(number, 100)) * (FRAME_BYTES // 2)


def name_of(number: int) -> str:
    """What caller *number* is called."""
    letters = ""
    for _ in range(NAME_LETTERS):
        number, place = divmod(number, 26)
        letters += chr(ord("a") + place)
    return letters


VOICE: Final = voice_of(0)
VOICE_MS: Final = 1_000
INTERIM_AFTER_MS: Final = 200
FINAL_AFTER_MS: Final = 200
PAUSE_MS: Final = 500
BARGE_IN_AFTER_MS: Final = 1_000
BARGE_IN_EVERY: Final = 3

CALLER_WORDS: Final = (
    "what are your opening hours",
    "and how late on Sunday",
    "do you have a table for two",
    "is there parking nearby",
    "can I bring my dog",
)
"""One after the other: the same words twice within two seconds are taken for an echo."""
PROMPT: Final = "You answer the phone of a small restaurant. Be brief and friendly."
GREETING: Final = "Welcome to the Blue Door."
MS_PER_LETTER: Final = 60


def spoken_ms(text: str) -> int:
    """How long the voice takes for *text*: spaces and marks take no time, so splits add up."""
    return MS_PER_LETTER * sum(letter.isalnum() for letter in text)


TOKEN_MS: Final = 4.0
"""From one token of the model to the next; real models take 10 to 40."""


def sentences(name: str) -> tuple[str, str]:
    """The reply to the caller of this *name*, by which whoever speaks it knows the call."""
    return f"We are open from nine to five today, {name}.", "Shall I book a table for you?"


@lru_cache(maxsize=1_024)
def tokens(name: str) -> tuple[tuple[str, bool], ...]:
    """The reply as models stream it, and which token completes its first sentence.

    The space belongs to the word behind it, and a mark is a token of its own: what ends a
    sentence comes before anything shows that it has.
    """
    first, second = sentences(name)
    pieces = re.findall(r"\s?\w+|[^\w\s]", f"{first} {second}")
    last = len(re.findall(r"\w+|[^\w\s]", first)) - 1
    return tuple((piece, place == last) for place, piece in enumerate(pieces))


REPLY_BYTES: Final = sum(map(spoken_ms, sentences(name_of(0)))) * BYTES_PER_MS
