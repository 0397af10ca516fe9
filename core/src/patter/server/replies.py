"""The response to a request that cannot be served: always the same JSON, never a traceback.

``{"error": {"code", "message", "fix"}}``, as everywhere in Patter.
"""

from __future__ import annotations

import json
import logging

import orjson
from aiohttp import web

from patter.errors import ErrorCode, InputError, InternalError, PatterError, RateLimitError
from patter.limited_log import LimitedLog
from patter.server.admission import Unavailable

# A drain takes this long by default; after it another server answers at this address.
RETRY_AFTER_S = 30
log = logging.getLogger("patter.server")

_STATUS = {
    ErrorCode.WEBHOOK_VERIFICATION: 403,
    ErrorCode.INPUT_VALIDATION: 400,
    ErrorCode.RATE_LIMIT: 429,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.INTERNAL: 500,
}
_UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError, RecursionError)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class BodyTooLarge(InputError):
    """The body of a request is over the limit."""


class BodyEncoded(InputError):
    """The body of a request is compressed."""


class BodyTooSlow(InputError):
    """The body of a request did not come in time."""


_LAST = (BodyTooLarge, BodyTooSlow, BodyEncoded, RateLimitError)


def status_of(error: PatterError) -> int:
    """The HTTP status for *error*; 503 for what has none of its own."""
    match error:
        case BodyTooLarge():
            return 413
        case BodyTooSlow():
            return 408
        case BodyEncoded():
            return 415
        case Unavailable():
            return 503
        case _:
            return _STATUS.get(error.code, 503)


def error_response(error: PatterError) -> web.Response:
    """Return *error* as a response."""
    body = {"code": error.code.value, "message": error.message, "fix": error.fix}
    response = web.Response(
        status=status_of(error),
        body=orjson.dumps({"error": body}),
        content_type="application/json",
    )
    if isinstance(error, RateLimitError):
        response.headers["Retry-After"] = str(
            RETRY_AFTER_S if isinstance(error, Unavailable) else 1
        )
    # The rest of the body is still to come, and would be read as the next request; and who asks
    # for too much is not kept.
    if isinstance(error, _LAST):
        response.force_close()
    return response


def as_patter_error(exc: Exception, request: web.Request, refusals: LimitedLog) -> PatterError:
    """Return *exc* as an error the client may see; our own failures are logged in full.

    What a stranger may cause goes to *refusals*.
    """
    path = shown(request.rel_url.raw_path)  # as it came: quoted, whatever it holds
    match exc:
        case PatterError():
            refusals.warning("%s: error[%s]: %s; fix: %s", path, exc.code, exc.message, exc.fix)
            return exc
        case web.HTTPRequestEntityTooLarge():
            return too_large(0)
        case _ if isinstance(exc, _UNREADABLE) and request.method in _WITH_BODY:
            return InputError(
                f"the body of {path} cannot be read: {exc}",
                fix="send what the carrier documents, unchanged by any proxy",
            )
        case _:
            log.error("%s %s failed", request.method, path, exc_info=exc)
            return InternalError(f"{path} failed", fix="see the server's log for what happened")


def shown(path: str) -> str:
    """*path* as it may be logged: a media token is a secret."""
    parts = path.split("/")
    return "/".join([*parts[:3], "..."]) if parts[1:2] == ["media"] and len(parts) > 3 else path


def too_large(limit: int) -> BodyTooLarge:
    """The error for a body over *limit* bytes; 0 when the limit is not known."""
    most = f"over {limit} bytes" if limit else "too large"
    return BodyTooLarge(f"the body is {most}", fix="raise body_limit if a carrier needs more")
