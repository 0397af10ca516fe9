"""Errors as many vendors write them: ``{"error": {"message", "type", "param", "code"}}``.

Pure. The code says more than the status: an account without credit is answered as 429, and no
waiting helps it. In the middle of a stream, and on a socket, the inner object comes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors, retry_after_ms

_AUTH = frozenset({"invalid_api_key", "account_deactivated", "authentication_error"})
_UNPAID = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"}
)
_ABSENT = frozenset({"model_not_found", "invalid_model", "model_decommissioned"})
_BUSY = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down", "too_many_requests"})
_PASSING = frozenset(
    {"server_error", "internal_error", "internal_server_error", "overloaded", "session_expired"}
)


def refused(
    errors: VendorErrors,
    status: int,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    secret: str = "",
) -> PatterError:
    """The error for an HTTP *status* whose *body* may say more; *secret* is never repeated."""
    error = error_in(body)
    if status in (401, 403) or not error:
        # What is said of a key may hold a part of it, and its owner needs no more than the code.
        code = error.get("code")
        return errors.refused(status, code if isinstance(code, str) else "", headers=headers)
    by_code = _by_code(errors, error, headers or {}, secret) if status < 500 else None
    return by_code or errors.refused(status, words(error, secret), headers=headers)


def reported(errors: VendorErrors, error: Mapping[str, Any], *, secret: str = "") -> PatterError:
    """The error for one that comes without a status: in a stream, or on a socket."""
    return _by_code(errors, error, {}, secret) or errors.refused(400, words(error, secret))


def error_in(body: object) -> Mapping[str, Any]:
    """The error object in *body*; an empty one when there is none.

    >>> error_in({"error": {"code": "x"}}), error_in({"error": "no"}), error_in(None)
    ({'code': 'x'}, {'message': 'no'}, {})
    """
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(inner, str):
        return {"message": inner}
    return inner if isinstance(inner, Mapping) else {}


def words(error: Mapping[str, Any], secret: str = "") -> str:
    """The vendor's own words with its code, shortened, and without *secret*.

    >>> words({"message": "no k-1 here", "code": "bad"}, "k-1")
    'no [key] here [bad]'
    """
    message, codes = error.get("message"), _codes(error)
    text = message if isinstance(message, str) else ""
    if secret:
        text = text.replace(secret, "[key]")
    return " ".join([text[:MOST_WORDS], *(f"[{each}]" for each in codes[:1])]).strip()


def _codes(error: Mapping[str, Any]) -> list[str]:
    """What *error* calls itself, the narrowest first."""
    return [each for each in (error.get("code"), error.get("type")) if each and type(each) is str]


def _by_code(
    errors: VendorErrors, error: Mapping[str, Any], headers: Mapping[str, str], secret: str
) -> PatterError | None:
    """The error that the vendor's code tells, whatever the status; None when it tells none."""
    codes, vendor, tail = frozenset(_codes(error)), errors.vendor, words(error, secret)
    if codes & _UNPAID:
        return AuthenticationError(
            f"{vendor} wants to be paid first: {tail}",
            fix=f"add credit to the account of {errors.variable}, or raise its limit",
        )
    if codes & _AUTH:
        return errors.refused(401, min(codes & _AUTH))
    if codes & _ABSENT:
        return PatterConfigError(f"{vendor} has no such model: {tail}", fix="check its name")
    if codes & _BUSY:
        return RateLimitError(
            f"{vendor} takes no more requests for now: {tail}",
            fix=f"fewer calls at once, or ask {vendor} for a higher limit",
            retry_after_ms=retry_after_ms(headers),
        )
    if codes & _PASSING:
        return PatterConnectionError(
            f"{vendor} failed: {tail}", fix=f"try again; see {errors.status_page}"
        )
    return None
