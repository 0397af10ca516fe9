"""The protocol of LMNT's speech sessions, version 1.2, as pure functions.

From lmnt 2.13: its session client, and ``SpeechSession...`` of its types. A public probe of August
2026 saw a first message with an explicit null refused, so nothing is ever sent as null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

import attrs
import orjson

from patter.audio.formats import AudioFormat
from patter.vendors.sockets import decoded
from patter_lmnt._errors import ERRORS, of_message
from patter_lmnt._options import VERSION, encoded

PATH = "/v1/ai/speech/stream"
READY, TIMESTAMPS = "ready", "timestamps"
FLUSHED, RESET = "flush_complete", "reset_complete"


@attrs.frozen
class Token:
    """A part of the text, and where it ends, in ms from the beginning of its flush."""

    text: str
    end_ms: float


@attrs.frozen
class Message:
    """What LMNT says in text; *nonce* is that of a flush or a reset, *tokens* are timestamps."""

    kind: str
    nonce: int = 0
    tokens: tuple[Token, ...] = ()


def init(key: str, voice: str, audio: AudioFormat, language: str, *, timestamps: bool) -> str:
    """The first message of a socket. It holds the key: it is for the wire alone."""
    body = {
        "type": "init",
        "X-API-Key": key,
        "lmnt-version": VERSION,
        "voice": voice,
        **encoded(audio),
        "language": language,
        "return_timestamps": timestamps,
    }
    return _encoded(body)


def text(words: str) -> str:
    """More text, which waits until it is flushed."""
    return _encoded({"type": "text", "text": words})


def flush(nonce: int) -> str:
    """Speak the text that waits."""
    return _encoded({"type": "flush", "nonce": nonce})


def reset(nonce: int) -> str:
    """Forget what was not spoken yet."""
    return _encoded({"type": "reset", "nonce": nonce})


def decode(raw: str, key: str) -> Message:
    """Read one message. Raises PatterError, without *key* in it, for an error and for garbage."""
    body = decoded(raw, ERRORS)
    kind = str(body.get("type") or "")
    if kind == "error" or (not kind and "error" in body):
        raise of_message(body, key)
    if kind in (FLUSHED, RESET):
        nonce = body.get("nonce")
        if type(nonce) is not int:
            raise ERRORS.garbled(raw)
        return Message(kind, nonce)
    if kind == TIMESTAMPS:
        return Message(kind, tokens=_tokens(body.get("timestamps")))
    return Message(kind)


def _tokens(value: object) -> tuple[Token, ...]:
    """The timestamps in *value*; those that cannot be read are left out: audio matters more."""
    parts = value if isinstance(value, list) else []
    return tuple(token for part in parts if (token := _token(part)) is not None)


def _token(part: object) -> Token | None:
    if not isinstance(part, Mapping):
        return None
    words, start, duration = part.get("text"), part.get("start"), part.get("duration")
    if not isinstance(words, str) or not _is_time(start) or not _is_time(duration):
        return None
    return Token(words, (start + duration) * 1_000)


def _is_time(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value < 1e6


def _encoded(body: Mapping[str, object]) -> str:
    return orjson.dumps(body).decode()
