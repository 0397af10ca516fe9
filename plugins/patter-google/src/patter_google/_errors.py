"""What Google's refusals mean: of a request, and in the middle of a stream.

An error is ``{"error": {"code", "status", "message", "details"}}``, at times as the only item of
a list. The reason in its details says more than the status: a key that is none is answered as
400. Statuses and reasons are those of google.rpc and of Google's page on troubleshooting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.errors import AuthenticationError, PatterConfigError, PatterError, RateLimitError
from patter.vendors.errors import MOST_WORDS, VendorErrors, retry_after_ms

ERRORS = VendorErrors("Google", "GEMINI_API_KEY", "status.cloud.google.com")

_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_EXPIRED"})
_KEY_WORDS = ("api key not valid", "api key expired", "api_key_invalid")
_CLOSED = {
    "SERVICE_DISABLED": "enable the API in the Google Cloud console, for the key's project",
    "BILLING_DISABLED": "enable billing for the key's project in the Google Cloud console",
    "API_KEY_SERVICE_BLOCKED": "allow the Generative Language API for this key",
}


def refused(
    status: int, body: object, *, headers: Mapping[str, str] | None = None, secret: str = ""
) -> PatterError:
    """The error for *body*, answered with HTTP *status*, or within an answer that began with 200.

    *secret* is never repeated.
    """
    error = error_in(body)
    status = status if status >= 400 else _code(error)
    reasons, text = _reasons(error), _words(error, secret)
    if closed := reasons & _CLOSED.keys():
        reason = min(closed)
        return AuthenticationError(
            f"Google refuses this project ({status}): {reason}", fix=_CLOSED[reason]
        )
    if reasons & _KEY_REASONS or any(each in text.lower() for each in _KEY_WORDS):
        return ERRORS.refused(401)
    if status in (401, 403):
        # What is said of a key may hold a part of it, and its owner needs no more.
        return ERRORS.refused(status, min(reasons, default=""))
    if status == 404:
        return PatterConfigError(
            f"Google has no such model here (404): {text}"[:MOST_WORDS],
            fix="check the model's name, and for Vertex AI the location",
        )
    if status == 429:
        return RateLimitError(
            f"Google takes no more requests for now (429): {text}",
            fix="fewer calls at once, or ask Google for a higher quota",
            retry_after_ms=_retry_ms(error) or retry_after_ms(headers or {}),
        )
    return ERRORS.refused(status, text, headers=headers)


def error_in(body: object) -> Mapping[str, Any]:
    """The error object in *body*; an empty one when there is none.

    >>> error_in([{"error": {"code": 400}}]), error_in({"error": "no"}), error_in("<html>")
    ({'code': 400}, {}, {})
    """
    if isinstance(body, list) and body:
        body = body[0]
    inner = body.get("error") if isinstance(body, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _code(error: Mapping[str, Any]) -> int:
    """The HTTP status that goes with an error in a stream."""
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = error.get("details")
    return (
        [each for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
    )


def _reasons(error: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(each["reason"]) for each in _details(error) if each.get("reason"))


def _words(error: Mapping[str, Any], secret: str) -> str:
    """Google's own words with its status, and without *secret*."""
    message, status = error.get("message"), error.get("status")
    text = message if isinstance(message, str) else ""
    text = text.replace(secret, "[key]") if secret else text
    tail = f" [{status}]" if isinstance(status, str) and status else ""
    return f"{text[:MOST_WORDS]}{tail}".strip()


def _retry_ms(error: Mapping[str, Any]) -> float:
    """What a RetryInfo asks for: ``"retryDelay": "7.5s"``; 0 without."""
    for each in _details(error):
        if isinstance(delay := each.get("retryDelay"), str):
            return retry_after_ms({"retry-after": delay.removesuffix("s")})
    return 0.0
