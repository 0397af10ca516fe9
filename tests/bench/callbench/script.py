"""What is said on a benchmark call, and how long it takes. Lengths in milliseconds."""

from __future__ import annotations

import re
from typing import Final

FRAME_MS: Final = 20
BYTES_PER_MS: Final = 8
FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS

VOICE: Final = bytes([0x55]) * FRAME_BYTES
SILENCE: Final = bytes([0xFF]) * FRAME_BYTES
AGENT_BYTE: Final = b"\x33"

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
SENTENCES: Final = ("We are open from nine to five today.", "Shall I book a table for you?")
REPLY: Final = " ".join(SENTENCES)
MS_PER_LETTER: Final = 60


def spoken_ms(text: str) -> int:
    """How long the voice takes for *text*: spaces and marks take no time, so splits add up."""
    return MS_PER_LETTER * sum(letter.isalnum() for letter in text)


TOKEN_MS: Final = 4.0
"""From one token of the model to the next; real models take 10 to 40."""


def tokens() -> tuple[tuple[str, bool], ...]:
    """The reply as models stream it, and which token completes its first sentence.

    The space belongs to the word behind it, and a mark is a token of its own: what ends a
    sentence comes before anything shows that it has.
    """
    pieces = re.findall(r"\s?\w+|[^\w\s]", REPLY)
    last = len(re.findall(r"\w+|[^\w\s]", SENTENCES[0])) - 1
    return tuple((piece, place == last) for place, piece in enumerate(pieces))


REPLY_BYTES: Final = sum(map(spoken_ms, SENTENCES)) * BYTES_PER_MS
