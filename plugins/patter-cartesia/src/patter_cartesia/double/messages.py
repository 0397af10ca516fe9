"""Every message that Cartesia sends, as values; cartesia 4.2 has a model of each."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any, TypeAlias

from patter.providers.stt import Word

Body: TypeAlias = dict[str, Any]
REQUEST_ID = "2ff8af53-4d38-479d-8287-58940f01c701"
OWNER = "a0e99841-438c-4a64-b679-ae501e7d6091"
ANSWERS = {
    400: ("", "Bad request"),
    401: ("unauthorized", "Invalid API key"),
    402: ("quota_exceeded", "Not enough credits"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    429: ("concurrency_limited", "Too many concurrent requests"),
}


def seconds(ms: float) -> float:
    """Cartesia counts in seconds."""
    return round(ms / 1_000, 3)


def answer(status: int, message: str = "", code: str | None = None) -> Body:
    """The body of an HTTP answer that is no success."""
    error_type, title = ANSWERS.get(status, ("internal_error", "Internal server error"))
    return {
        "error_code": (error_type if code is None else code) or None,
        "title": title,
        "message": message or title,
        "request_id": REQUEST_ID,
    }


def error(status: int, message: str = "", code: str | None = None) -> Body:
    """An event that tells of an error, on the sockets of Ink."""
    body = answer(status, message, code)
    return {"type": "error", "status_code": status, **body}


# --- /stt/websocket


def transcript(
    text: str, words: Iterable[Word], *, final: bool, duration_ms: float, plain: bool = False
) -> Body:
    """Text since the last final. *plain*: words one by one, as the documentation has them."""
    words = list(words)
    body: Body = {
        "type": "transcript",
        "request_id": REQUEST_ID,
        "text": text,
        "is_final": final,
        "duration": seconds(duration_ms),
        "language": "en",
    }
    if plain:
        body["words"] = [
            {"word": each.text, "start": seconds(each.start_ms), "end": seconds(each.end_ms)}
            for each in words
        ]
    elif words:
        body["words"] = [_columns(words)]
    return body


def flush_done() -> Body:
    return {"type": "flush_done", "request_id": REQUEST_ID}


def done() -> Body:
    return {"type": "done", "request_id": REQUEST_ID}


# --- /stt/turns/websocket


def connected() -> Body:
    return {"type": "connected", "request_id": REQUEST_ID}


def turn(event: str, text: str | None = None) -> Body:
    """*event* of a turn, with its whole *text* so far where it has one."""
    body: Body = {"type": f"turn.{event}", "request_id": REQUEST_ID}
    return body if text is None else {**body, "transcript": text}


# --- /tts/websocket


def chunk(context: str, audio: bytes, flush: int | None) -> Body:
    body: Body = {
        "type": "chunk",
        "context_id": context,
        "data": b64encode(audio).decode(),
        "done": False,
        "status_code": 206,
        "step_time": 40.0,
    }
    return body if flush is None else {**body, "flush_id": flush}


def timestamps(context: str, words: Iterable[Word], flush: int | None) -> Body:
    body: Body = {
        "type": "timestamps",
        "context_id": context,
        "done": False,
        "status_code": 206,
        "word_timestamps": _columns(words),
    }
    return body if flush is None else {**body, "flush_id": flush}


def flushed(context: str, flush: int) -> Body:
    return {
        "type": "flush_done",
        "context_id": context,
        "done": False,
        "flush_done": True,
        "flush_id": flush,
        "status_code": 206,
    }


def context_done(context: str) -> Body:
    return {"type": "done", "context_id": context, "done": True, "status_code": 200}


def context_error(context: str, status: int, message: str = "", code: str | None = None) -> Body:
    """An event that ends *context*; empty: it is not known which."""
    body = {**error(status, message, code), "done": True}
    return {**body, "context_id": context} if context else body


# --- voices


def voice(identifier: str) -> Body:
    return {
        "id": identifier,
        "access": "public",
        "created_at": "2026-01-01T00:00:00Z",
        "description": "A voice of a double.",
        "is_owner": False,
        "language": "en",
        "locales": [],
        "name": "Double",
        "tagline": "",
        "visibility": "all",
    }


def voices(identifiers: Iterable[str]) -> Body:
    return {"data": [voice(each) for each in identifiers], "has_more": False}


def _columns(words: Iterable[Word]) -> Body:
    words = list(words)
    return {
        "words": [word.text for word in words],
        "start": [seconds(word.start_ms) for word in words],
        "end": [seconds(word.end_ms) for word in words],
    }
