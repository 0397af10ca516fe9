"""The WebSocket protocol of Sonic, ``/tts/websocket``, as pure functions.

From cartesia 4.2 and docs.cartesia.ai. A context is one stream of text: its texts are joined as
they come, and every message of it repeats the same settings. A flush closes a sentence: its audio
has the number of the flush, from 1 on, and ``flush_done`` says that it is complete.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from patter.errors import PatterError
from patter.vendors.sockets import decoded
from patter_cartesia._errors import ERRORS, of_event


@attrs.frozen
class Chunk:
    """Audio of *context*; *flush* is the number of its sentence, None if that is not told."""

    context: str
    audio: bytes = attrs.field(repr=False)
    flush: int | None = None


@attrs.frozen
class TimedWord:
    """A word and where it lies, in ms."""

    text: str
    start_ms: float
    end_ms: float


@attrs.frozen
class Times:
    """Words of *context*, of sentence *flush*."""

    context: str
    words: tuple[TimedWord, ...]
    flush: int | None = None


@attrs.frozen
class Flushed:
    """The audio of sentence *flush* of *context* is complete."""

    context: str
    flush: int


@attrs.frozen
class Done:
    """*context* is no more."""

    context: str


@attrs.frozen
class Failed:
    """Cartesia gave *context* up; empty: it does not say which."""

    context: str
    error: PatterError


Message: TypeAlias = Chunk | Times | Flushed | Done | Failed


@attrs.frozen
class Speaking:
    """The messages of contexts that all have *settings*."""

    settings: Mapping[str, Any]

    def text(self, context: str, text: str) -> str:
        """Say *text* after what was said before in *context*."""
        return self._message(context, text, True)

    def flush(self, context: str) -> str:
        """The sentence is complete: it waits for nothing behind it."""
        return self._message(context, "", True, flush=True)

    def end(self, context: str) -> str:
        """There is no more text."""
        return self._message(context, "", False)

    def _message(self, context: str, text: str, more: bool, **fields: object) -> str:
        body = {**self.settings, "context_id": context, "transcript": text, "continue": more}
        return orjson.dumps(body | fields).decode()


def cancel(context: str) -> str:
    """Make no more audio for *context*."""
    return orjson.dumps({"context_id": context, "cancel": True}).decode()


def decode(message: str | bytes, key: str) -> Message | None:
    """Read one message; None for one without news. Raises PatterError for garbage.

    *key* is in no error.
    """
    body = decoded(message, ERRORS)
    try:
        return _read(body, key)
    except (LookupError, TypeError, ValueError, AttributeError, binascii.Error):
        raise ERRORS.garbled(message) from None


def _read(body: Mapping[str, Any], key: str) -> Message | None:
    context = str(body.get("context_id") or "")
    match body["type"]:
        case "chunk":
            return Chunk(context, b64decode(body["data"], validate=True), _flush(body))
        case "timestamps":
            return Times(context, _words(body.get("word_timestamps") or {}), _flush(body))
        case "flush_done":
            return Flushed(context, int(body["flush_id"]))
        case "done":
            return Done(context)
        case "error":
            return Failed(context, of_event(body, key))
    return None


def _flush(body: Mapping[str, Any]) -> int | None:
    number = body.get("flush_id")
    return None if number is None else int(number)


def _words(body: Mapping[str, Any]) -> tuple[TimedWord, ...]:
    rows = zip(body.get("words", ()), body.get("start", ()), body.get("end", ()), strict=True)
    return tuple(
        TimedWord(str(text), float(start) * 1_000, float(end) * 1_000) for text, start, end in rows
    )
