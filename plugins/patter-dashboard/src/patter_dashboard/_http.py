"""Answers: JSON, and every error as JSON with its code and its fix."""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
from aiohttp import web

from patter.errors import (
    AuthenticationError,
    ErrorCode,
    InputError,
    PatterConnectionError,
    PatterError,
    RateLimitError,
)
from patter.limited_log import LimitedLog

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_BYTES = 64 * 1_024
log = logging.getLogger("patter.dashboard")
_refusals = LimitedLog(log)
_STATUS = {
    ErrorCode.AUTH: 401,
    ErrorCode.CALL_STATE: 409,
    ErrorCode.CONFIG: 409,
    ErrorCode.INPUT_VALIDATION: 400,
    ErrorCode.INTERNAL: 500,
    ErrorCode.RATE_LIMIT: 429,
}
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class NotFound(InputError):
    """There is nothing of that name."""


class Forbidden(AuthenticationError):
    """Whoever asks may not do this, with or without a token."""


def json_response(data: Any, status: int = 200) -> web.Response:
    """*data* as JSON that no cache keeps."""
    return web.Response(
        status=status,
        body=orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS),
        content_type="application/json",
        headers=_PRIVATE,
    )


def text_response(json: str) -> web.Response:
    """*json*, which is JSON already."""
    return web.Response(text=json, content_type="application/json", headers=_PRIVATE)


def error_response(error: PatterError) -> web.Response:
    """*error* as its code, message and fix."""
    body = {"code": error.code.value, "message": error.message, "fix": error.fix}
    response = json_response({"error": body}, status_of(error))
    if isinstance(error, RateLimitError):
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_ms / 1_000)))
    return response


def status_of(error: PatterError) -> int:
    """The HTTP status of *error*."""
    match error:
        case NotFound():
            return 404
        case Forbidden():
            return 403
        case _:
            return _STATUS.get(error.code, 503)


def answering(handler: Handler) -> Handler:
    """*handler*, whose PatterErrors are answers."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except FileNotFoundError:
            # It was there a moment ago: erased, or too old.
            return error_response(NotFound("it is there no more", fix="load the page again"))
        except sqlite3.Error as problem:
            _refusals.warning("%s: the index cannot be asked: %s", request.path, problem)
            return error_response(
                PatterConnectionError(
                    "the index of calls cannot be read now", fix="try again; then see the log"
                )
            )
        except PatterError as error:
            if status_of(error) >= 500:
                _refusals.warning("%s: error[%s]: %s", request.path, error.code, error.message)
            return error_response(error)

    return answered


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that *request* brings; empty without a body. Raises InputError."""
    if (request.content_length or 0) > BODY_BYTES:
        raise InputError("the body is too large", fix=f"send {BODY_BYTES} bytes at most")
    raw = await request.content.read(BODY_BYTES + 1) if request.can_read_body else b""
    # The server may have read it before: then the stream is empty, and the body is kept.
    raw = raw or await request.read()
    if not raw:
        return {}
    if request.content_type != "application/json":
        # A form of another site is sent without asking; JSON is not.
        raise InputError("the body is not JSON", fix="send Content-Type: application/json")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        raise InputError(f"the body is not JSON: {wrong}", fix="send a JSON object") from wrong
    if not isinstance(body, dict):
        raise InputError("the body is not a JSON object", fix='send {"name": "value"}')
    return body
