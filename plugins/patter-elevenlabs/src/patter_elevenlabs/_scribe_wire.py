"""Scribe's realtime protocol as pure functions: audio and text in, values out.

From elevenlabs 2.78. Words are timed in seconds of all audio sent (with ``vad``, the service was
reported to add about 0.1 s a segment, elevenlabs-python issue 849). Interims have no times.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from patter.errors import PatterError, ProviderError
from patter.providers.stt import Word
from patter.vendors.sockets import decoded
from patter_elevenlabs._errors import ERRORS, of_code, without

PATH = "/v1/speech-to-text/realtime"

LEAST_COMMIT_MS = 300
"""With less audio since the last commit another is refused (``commit_throttled``)."""


@attrs.frozen
class Partial:
    """What is heard of the segment that is not committed; it replaces the one before."""

    text: str


@attrs.frozen
class Committed:
    """A segment that is final. *timed*: this is the message with its *words*."""

    text: str
    timed: bool = False
    words: tuple[Word, ...] = ()
    confidence: float | None = None


@attrs.frozen
class Throttled:
    """A commit was not made: there is too little audio since the last."""


@attrs.frozen
class Started:
    """The session is open."""


Heard: TypeAlias = Partial | Committed | Throttled | Started


def chunk(audio: bytes, rate_hz: int, *, commit: bool = False, before: str = "") -> str:
    """*audio*; with *commit* the segment is over, *before* is what was said before the first."""
    message: dict[str, Any] = {
        "message_type": "input_audio_chunk",
        "audio_base_64": b64encode(audio).decode(),
        "commit": commit,
        "sample_rate": rate_hz,
    }
    if before:
        message["previous_text"] = before
    return orjson.dumps(message).decode()


def decode(message: str | bytes, key: str) -> Heard | None:
    """Read one message; None for one without news.

    Raises PatterError for one that tells of an error, without *key* in it, and for garbage.
    """
    body = decoded(message, ERRORS)
    match body.get("message_type"):
        case "partial_transcript":
            return Partial(_text(body))
        case "committed_transcript":
            return Committed(_text(body))
        case "committed_transcript_with_timestamps":
            return Committed(_text(body), True, _words(body), _confidence(body))
        case "commit_throttled":
            return Throttled()
        case "session_started":
            return Started()
        case kind if "error" in body:
            raise _failure(str(kind), body["error"], key)
    return None


def _failure(kind: str, error: object, key: str) -> PatterError:
    words = without(key, str(error))
    return of_code(kind, words) or ProviderError(
        f"ElevenLabs failed: {words[:200]}", fix="check the provider's options"
    )


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise ERRORS.garbled(body)
    return text.strip()


def _spoken(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries that are words; between them are spaces, and sounds such as laughter."""
    words = body.get("words")
    entries = words if isinstance(words, list) else []
    return [word for word in entries if isinstance(word, dict) and word.get("type") == "word"]


def _words(body: Mapping[str, Any]) -> tuple[Word, ...]:
    words, last_ms = list[Word](), 0
    for word in _spoken(body):
        text: Any = word.get("text")
        start: Any = word.get("start")
        end: Any = word.get("end")
        if not (isinstance(text, str) and _is_time(start) and _is_time(end)):
            continue
        start_ms = max(last_ms, round(start * 1_000))
        last_ms = max(start_ms, round(end * 1_000))
        words.append(Word(text, start_ms, last_ms))
    return tuple(words)


def _confidence(body: Mapping[str, Any]) -> float | None:
    """How sure it is of its words, 0 to 1, from their logarithms; None when it does not say."""
    values = [word.get("logprob") for word in _spoken(body)]
    logs = [value for value in values if isinstance(value, int | float) and value <= 0]
    return math.exp(sum(logs) / len(logs)) if logs else None


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
