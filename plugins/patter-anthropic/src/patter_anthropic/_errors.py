"""What Anthropic's refusals mean: of a request, and in the middle of a stream.

An error is ``{"type": "error", "error": {"type", "message", "details": {"error_code"}}}``. After
a 200 it comes as an event, so its type alone says what it is. The types and codes are those of
the published error page and of the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterError,
    ProviderError,
)
from patter.vendors.error_bodies import error_in, words
from patter.vendors.errors import MOST_WORDS, VendorErrors

ERRORS = VendorErrors("Anthropic", "ANTHROPIC_API_KEY", "status.claude.com")

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that goes with each type."""

_UNPAID = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_billing_unavailable",
        "linked_organization_spend_limit_reached",
    }
)
_NO_CREDIT = "credit balance is too low"
_TOO_LONG = "prompt is too long"


def refused(
    status: int, body: object, *, headers: Mapping[str, str] | None = None, secret: str = ""
) -> PatterError:
    """The error for *body*, answered with HTTP *status*, or within an answer that began with 200.

    *secret* is never repeated.
    """
    error = error_in(body)
    kind, text = str(error.get("type") or ""), words(error, secret)
    status = status if status >= 400 else STATUSES.get(kind, 500)
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    if code in _UNPAID or _NO_CREDIT in text.lower():
        # Answered as 400, 403 or 429, but no waiting helps.
        return AuthenticationError(
            f"Anthropic wants to be paid first: {text}",
            fix=f"add credit to the account of {ERRORS.variable}, or raise its limit",
        )
    if status in (401, 403):
        # What is said of a key may hold a part of it, and its owner needs no more.
        return ERRORS.refused(status, code if isinstance(code, str) else kind)
    if status == 404:
        return PatterConfigError(
            f"Anthropic has no such model (404): {text}"[:MOST_WORDS], fix="check the model's name"
        )
    if status == 413 or _TOO_LONG in text.lower():
        return ProviderError(
            f"the conversation is too long for the model ({status}): {text}",
            fix="shorten the prompt and the tools, or use a model that reads more",
        )
    return ERRORS.refused(status, text, headers=headers)
