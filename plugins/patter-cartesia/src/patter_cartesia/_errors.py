"""What Cartesia's refusals mean: statuses, codes in answers and events, closed sockets.

Shapes from cartesia 4.2 and docs.cartesia.ai/use-the-api/api-errors: from version 2026-03-01 on an
error has a status, a title, a message, and a code that may be null. Before, it was plain text.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from patter.errors import AuthenticationError, PatterConfigError, PatterError, RateLimitError
from patter.vendors.errors import MOST_WORDS, VendorErrors, retry_after_ms

ERRORS = VendorErrors("Cartesia", "CARTESIA_API_KEY", "status.cartesia.ai")

_CREDIT = frozenset({"insufficient_credits", "payment_required", "quota_exceeded"})
_BUSY = frozenset({"concurrency_limited", "rate_limited", "too_many_requests"})


def of_event(body: Mapping[str, object], key: str) -> PatterError:
    """The error that an ``error`` event tells of; *key* is in none of it."""
    status = body.get("status_code")
    return _meaning(status if isinstance(status, int) else 0, body, {}, key)


def of_answer(status: int, body: object, headers: Mapping[str, str], key: str) -> PatterError:
    """The error for an HTTP answer that is no success."""
    return _meaning(status, body if isinstance(body, Mapping) else {}, headers, key)


def of_handshake(refused: aiohttp.WSServerHandshakeError, key: str) -> PatterError:
    """The error for a socket that was not opened; its body is not to be had."""
    if refused.status == 400:
        return PatterConfigError(
            "Cartesia refused to open a socket (400)",
            fix="check model, language, thresholds, api_version and the other options",
        )
    return of_answer(refused.status, None, refused.headers or {}, key)


def of_close(code: int | None, reason: str, key: str) -> PatterError:
    """The error for a socket that Cartesia closed before it was done with."""
    return ERRORS.hung_up(code, _without(key, reason))


def _meaning(
    status: int, body: Mapping[str, object], headers: Mapping[str, str], key: str
) -> PatterError:
    code = str(body.get("error_code") or "")
    words = ": ".join(str(body[part]) for part in ("title", "message") if body.get(part))
    words = _without(key, words)[:MOST_WORDS]
    tail = f"({code or status})" + (f": {words}" if words else "")
    if code in _CREDIT:
        return AuthenticationError(
            f"Cartesia wants to be paid first {tail}",
            fix="add credits to the account of CARTESIA_API_KEY, or allow overages",
        )
    if code in _BUSY or status == 429:
        return RateLimitError(
            f"Cartesia takes no more for now {tail}",
            fix="fewer calls at once, or a plan with more concurrency",
            retry_after_ms=retry_after_ms(headers),
        )
    if code.endswith("_not_found") or status == 404:
        return PatterConfigError(
            f"Cartesia has no such thing {tail}",
            fix="check model, voice and language: docs.cartesia.ai lists them",
        )
    # What is said about a key may repeat a part of it.
    return ERRORS.refused(status, "" if status in (401, 403) else words, headers=headers)


def _without(key: str, words: str) -> str:
    """*words* without *key*.

    >>> _without("sk_1", "no such key: sk_1")
    'no such key: ***'
    """
    return words.replace(key, "***") if key else words
