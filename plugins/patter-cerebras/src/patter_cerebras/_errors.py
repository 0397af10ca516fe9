"""What Cerebras' refusals mean: of a request, and in the middle of a stream.

An error is ``{"message", "type", "param", "code"}``, bare or under ``error``; in a stream it has a
``status_code`` beside it. Codes are those that are reported of it, headers those of
inference-docs.cerebras.ai/support/rate-limits.
"""

from __future__ import annotations

from collections.abc import Mapping

from patter.errors import PatterConfigError, PatterError, RateLimitError
from patter.vendors.error_bodies import error_in, words
from patter.vendors.error_bodies import refused as refused_by_all
from patter.vendors.errors import VendorErrors, retry_after_ms

ERRORS = VendorErrors("Cerebras", "CEREBRAS_API_KEY", "status.cerebras.ai")

_LIMITS = {
    "queue_exceeded": (
        "Cerebras has no room in its queue",
        "try again, or name a second model in a list, which takes over",
    ),
    "token_quota_exceeded": (
        "Cerebras takes no more tokens for now",
        "set max_tokens, for all that a reply may take is counted before; or ask for more",
    ),
    "request_quota_exceeded": (
        "Cerebras takes no more requests for now",
        "fewer calls at once, or ask Cerebras for a higher limit",
    ),
}
"""What has run out, and what helps, by the code."""

_SPANS = ("requests-day", "requests-minute", "tokens-day", "tokens-minute")


def refused(
    status: int, body: object, headers: Mapping[str, str] | None = None, *, secret: str = ""
) -> PatterError:
    """The error for HTTP *status* and its *body*; *secret* is never repeated."""
    error, headers = error_in(body), headers or {}
    code, tail = str(error.get("code") or ""), words(error, secret)
    if status in (401, 403):
        return refused_by_all(ERRORS, status, body, headers=headers, secret=secret)
    if code in _LIMITS:
        what, fix = _LIMITS[code]
        wait_ms = come_back_ms(headers)
        return RateLimitError(f"{what}: {tail}", fix=fix, retry_after_ms=wait_ms)
    if status == 404 or code == "model_not_found":
        return PatterConfigError(
            f"Cerebras has no such model: {tail}",
            fix="check its name; see inference-docs.cerebras.ai/models/overview",
        )
    if status == 429:
        headers = {**headers, "retry-after-ms": f"{come_back_ms(headers):.0f}"}
    return refused_by_all(ERRORS, status, body, headers=headers, secret=secret)


def come_back_ms(headers: Mapping[str, str]) -> float:
    """What ``Retry-After`` says; else when what has run out is there again.

    >>> come_back_ms({"x-ratelimit-remaining-tokens-minute": "0",
    ...     "x-ratelimit-reset-tokens-minute": "11.382867097854614"})
    11383
    """
    lower = {name.lower(): value for name, value in headers.items()}
    spans = (
        _seconds(lower.get(f"x-ratelimit-reset-{what}", ""))
        for what in _SPANS
        if lower.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
    )
    return retry_after_ms(headers) or round(max(spans, default=0.0) * 1_000)


def _seconds(text: str) -> float:
    """Seconds as Cerebras writes them, with many places; 0 for what is none."""
    text = text.strip()
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 32
    return float(text) if plain else 0.0
