"""What Groq's refusals mean: of a request, and in the middle of a stream.

An error is ``{"error": {"message", "type", "code"}}``; in a stream it has a ``status_code``, too.
Statuses and codes are those of console.groq.com/docs/errors, /flex-processing, /spend-limits and
/deprecations. Of a rate limit Groq tells when to come back, by ``Retry-After``, or else by how
long it takes until there is something left of what has run out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.error_bodies import error_in, words
from patter.vendors.error_bodies import refused as refused_by_all
from patter.vendors.errors import VendorErrors, retry_after_ms

ERRORS = VendorErrors("Groq", "GROQ_API_KEY", "groqstatus.com")

SUCCESSORS = {
    "llama-3.1-8b-instant": "openai/gpt-oss-20b",
    "llama-3.3-70b-versatile": "openai/gpt-oss-120b",
    "meta-llama/llama-4-scout-17b-16e-instruct": "openai/gpt-oss-120b",
    "qwen/qwen3-32b": "openai/gpt-oss-120b",
}
"""Models that Groq ended in July and August 2026 for all but enterprise contracts, and what it
recommends, or is near it, in their place."""

_ABSENT = frozenset({"model_not_found", "model_decommissioned"})
_SPANS_MS = {"ms": 1.0, "s": 1e3, "m": 60e3, "h": 3_600e3}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


class ToolUseFailed(ProviderError):
    """The model wrote a tool call that is none. Another attempt may well succeed."""


def refused(
    status: int,
    body: object,
    headers: Mapping[str, str] | None = None,
    *,
    model: str = "",
    secret: str = "",
) -> PatterError:
    """The error for HTTP *status* and its *body*; *secret* is never repeated."""
    error, headers = error_in(body), headers or {}
    code = str(error.get("code") or "")
    if status in (401, 403):
        return refused_by_all(ERRORS, status, body, headers=headers, secret=secret)
    if code == "tool_use_failed":
        return _no_tool_call(error, secret)
    if code in _ABSENT or status == 404:
        return _absent(model, words(error, secret))
    if code == "blocked_api_access":
        return AuthenticationError(
            f"Groq wants to be paid first: {words(error, secret)}",
            fix=f"raise the spend limit of the account of {ERRORS.variable}",
        )
    if status == 413:
        return ProviderError(
            f"the request is too large for Groq (413): {words(error, secret)}",
            fix="shorten the prompt and the tools, or ask for more tokens a minute",
        )
    if status == 498:
        return RateLimitError(
            f"Groq has no flex capacity left (498): {words(error, secret)}",
            fix="set service_tier=auto, which falls back to what is left",
        )
    if status == 429:
        headers = {**headers, "retry-after-ms": f"{_come_back_ms(headers):.0f}"}
    return refused_by_all(ERRORS, status, body, headers=headers, secret=secret)


def span_ms(text: str) -> float:
    """A span as Groq writes it, in milliseconds; 0 for what is none.

    >>> span_ms("2m59.56s"), span_ms("120ms"), span_ms("soon")
    (179560.0, 120.0, 0.0)
    """
    parts = _SPAN.findall(text)
    whole = "".join(number + unit for number, unit in parts) == text
    return round(sum(float(n) * _SPANS_MS[unit] for n, unit in parts), 3) if whole else 0.0


def _come_back_ms(headers: Mapping[str, str]) -> float:
    """What ``Retry-After`` says; else when what has run out is there again."""
    lower = {name.lower(): value for name, value in headers.items()}
    spans = (
        span_ms(lower.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if lower.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
    )
    return retry_after_ms(headers) or max(spans, default=0.0)


def _no_tool_call(error: Mapping[str, object], secret: str) -> ToolUseFailed:
    wrote = error.get("failed_generation")
    text = wrote.replace(secret, "[key]") if isinstance(wrote, str) and secret else wrote
    tail = f": {text[:80]!r}" if isinstance(text, str) and text else ""
    return ToolUseFailed(
        f"the model at Groq wrote a tool call that is none [tool_use_failed]{tail}",
        fix="lower temperature, simplify the tool's parameters, or use another model",
    )


def _absent(model: str, tail: str) -> PatterConfigError:
    if follows := SUCCESSORS.get(model):
        return PatterConfigError(
            f"Groq serves {model} to enterprise contracts alone since 2026: {tail}",
            fix=f"use {follows}",
        )
    return PatterConfigError(
        f"Groq has no such model: {tail}", fix="check its name; see console.groq.com/docs/models"
    )
