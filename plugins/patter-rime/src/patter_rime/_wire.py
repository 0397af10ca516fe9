"""The messages of ``/ws3``: what is sent, and what comes of it. Pure.

Source: docs.rime.ai, "Websockets JSON" of Coda and Mist.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from patter.vendors.sockets import decoded
from patter_rime._errors import ERRORS

FLUSH = '{"operation":"flush"}'
"""Speak what was sent as one utterance."""

CLEAR = '{"operation":"clear"}'
"""Forget what was sent and not flushed. What is being spoken goes on to its end."""

MOST_LETTERS = 500
"""Rime takes 1,000 characters at once; some of its pages say 500."""

_LONGEST_S = 3_600.0
"""No utterance lasts as long: times beyond are no times."""


@attrs.frozen
class TimedWord:
    """A word, and where it ends, in seconds from the first audio of its utterance."""

    text: str
    end_s: float


@attrs.frozen
class Chunk:
    """Audio of *context*; "" when Rime does not say of which."""

    context: str
    audio: bytes = attrs.field(repr=False)


@attrs.frozen
class Timestamps:
    """Words of *context*, in order."""

    context: str
    words: tuple[TimedWord, ...]


@attrs.frozen
class Done:
    """All audio of *context* has been sent."""

    context: str


@attrs.frozen
class Failure:
    """What was sent cannot be spoken, for a reason in Rime's *words*. The socket stays open."""

    words: str


Message: TypeAlias = Chunk | Timestamps | Done | Failure


def text(words: str, context: str) -> str:
    """The message that has *words* wait for the next flush; what comes of it names *context*."""
    return orjson.dumps({"text": words, "contextId": context}).decode()


def read(message: str | bytes) -> Message | None:
    """What *message* tells; None for one without news. Raises ProviderError for garbage."""
    body = decoded(message, ERRORS)
    context = body.get("contextId") or ""
    if not isinstance(context, str):
        raise ERRORS.garbled(message)
    match body.get("type"):
        case "chunk":
            return Chunk(context, _audio(body.get("data"), message))
        case "timestamps":
            return Timestamps(context, _words(body.get("word_timestamps")))
        case "done":
            return Done(context)
        case "error":
            return Failure(str(body.get("message") or "no reason given"))
        case str():
            return None
        case _:
            raise ERRORS.garbled(message)


def pieces(sentence: str, longest: int = MOST_LETTERS) -> list[str]:
    """*sentence* in parts that can be spoken, cut between words where that is possible.

    >>> pieces("one two three", 8), pieces("a" * 5, 2), pieces(" ... ")
    (['one two', 'three'], ['aa', 'aa', 'a'], [])
    """
    rest, parts = sentence.strip(), list[str]()
    while len(rest) > longest:
        cut = rest.rfind(" ", 1, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [part for part in [*parts, rest] if speakable(part)]


def speakable(words: str) -> bool:
    """Is there anything in *words* that can be heard? Of nothing Rime tells no end."""
    return any(map(str.isalnum, words))


def _audio(data: object, message: str | bytes) -> bytes:
    try:
        if isinstance(data, str):
            return b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        pass  # as for data that is no text, below
    raise ERRORS.garbled(message)


def _words(times: object) -> tuple[TimedWord, ...]:
    """The timed words in *times*; none when they cannot be read: audio goes on without them."""
    if not isinstance(times, Mapping):
        return ()
    words: Any = times.get("words")
    ends: Any = times.get("end")
    if not isinstance(words, list) or not isinstance(ends, list) or len(words) != len(ends):
        return ()
    if not all(isinstance(word, str) for word in words) or not all(map(_is_time, ends)):
        return ()
    return tuple(map(TimedWord, words, ends))


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LONGEST_S  # type: ignore[operator]
