"""What OpenAI's refusals mean: of a request, in the middle of a stream, and on a socket.

An error is ``{"error": {"message", "type", "param", "code"}}`` over HTTP, and the inner object in
streams and on sockets. The codes are those of the published error guide and of the SDK.
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
from patter.providers.vendor_errors import VendorErrors, retry_after_ms

ERRORS = VendorErrors("OpenAI", "OPENAI_API_KEY", "status.openai.com")

_AUTH = {"invalid_api_key", "account_deactivated", "invalid_organization", "missing_scope"}
_UNPAID = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_ABSENT = {"model_not_found", "invalid_model", "voice_not_found"}
_BUSY = {"rate_limit_exceeded", "slow_down", "requests", "tokens"}
_PASSING = {"server_error", "internal_error", "session_expired", "overloaded", "timeout"}


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
        # What is said of a key may hold a part of it, and its owner needs no more.
        return errors.refused(status, str(error.get("code") or ""), headers=headers)
    return _by_code(errors, error, status, headers or {}, secret) or errors.refused(
        status, words(error, secret), headers=headers
    )


def reported(errors: VendorErrors, error: Mapping[str, Any], *, secret: str = "") -> PatterError:
    """The error for one that comes without a status: in a stream, or on a socket."""
    return _by_code(errors, error, None, {}, secret) or errors.refused(400, words(error, secret))


def error_in(body: object) -> Mapping[str, Any]:
    """The error object in *body*, or an empty one.

    >>> error_in({"error": {"code": "x"}}), error_in({"error": "no"}), error_in(None)
    ({'code': 'x'}, {'message': 'no'}, {})
    """
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(inner, str):
        return {"message": inner}
    return inner if isinstance(inner, Mapping) else {}


def words(error: Mapping[str, Any], secret: str = "") -> str:
    """The vendor's own words, with its code and without *secret*.

    >>> words({"message": "no k-1 here", "code": "bad"}, "k-1")
    'no [key] here [bad]'
    """
    message, code = error.get("message"), error.get("code") or error.get("type")
    text = message if isinstance(message, str) else ""
    text = text.replace(secret, "[key]") if secret else text
    return f"{text} [{code}]" if isinstance(code, str) and code else text


def _by_code(
    errors: VendorErrors,
    error: Mapping[str, Any],
    status: int | None,
    headers: Mapping[str, str],
    secret: str,
) -> PatterError | None:
    """The error that the vendor's code tells, whatever the status; None when it tells none."""
    codes = {each for each in (error.get("code"), error.get("type")) if isinstance(each, str)}
    tail = words(error, secret)[:200]
    if codes & _UNPAID:
        # Answered as 429, but no waiting helps.
        return AuthenticationError(
            f"{errors.vendor} wants to be paid first: {tail}",
            fix=f"add credit to the account of {errors.variable}, or raise its limit",
        )
    if codes & _AUTH:
        return errors.refused(401, next(iter(codes & _AUTH)))
    if codes & _ABSENT:
        return PatterConfigError(
            f"{errors.vendor} has no such model or voice: {tail}", fix="check its name"
        )
    if codes & _BUSY:
        return RateLimitError(
            f"{errors.vendor} takes no more requests for now: {tail}",
            fix=f"fewer calls at once, or ask {errors.vendor} for a higher limit",
            retry_after_ms=retry_after_ms(headers),
        )
    if codes & _PASSING and (status is None or status < 500):
        return PatterConnectionError(
            f"{errors.vendor} failed: {tail}", fix=f"try again; see {errors.status_page}"
        )
    return None
