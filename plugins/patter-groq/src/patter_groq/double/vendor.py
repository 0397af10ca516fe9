"""What all parts of the double share: the account, its limits, and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
from aiohttp import web

from patter_testing.doubles.api_double import ApiDouble
from patter_testing.doubles.vendor_faults import Latency

LATENCY = Latency(p50_ms=120, p95_ms=280)
"""To the first token of Llama 3.3 70B, as tokenmix.ai measured it in April 2026."""

MODELS = (
    "llama-3.1-8b-instant",
    "llama-3.3-70b-versatile",
    "openai/gpt-oss-120b",
    "openai/gpt-oss-20b",
    "qwen/qwen3.6-27b",
    "qwen/qwen3.8-27b",
    "whisper-large-v3",
    "whisper-large-v3-turbo",
)
LIMITS = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-reset-tokens": "7.66s",
}
"""What every answer says of limits; when they are reached, tokens are what has run out."""


@attrs.define(eq=False, kw_only=True)
class GroqVendor(ApiDouble):
    """Groq on 127.0.0.1, below ``/openai/v1``. *model* answers, *lines* are what is heard.

    *ended* are models that Groq has shut down. With *flex_full* there is no capacity for requests
    of the tier ``flex``.
    """

    prefix: ClassVar[str] = "/openai/v1"
    owner: ClassVar[str] = "Groq"
    types: ClassVar[Mapping[int, str]] = {
        429: "tokens",
        500: "internal_server_error",
        503: "internal_server_error",
    }
    codes: ClassVar[Mapping[int, str]] = {
        401: "invalid_api_key",
        404: "model_not_found",
        429: "rate_limit_exceeded",
    }

    models: tuple[str, ...] = MODELS
    ended: tuple[str, ...] = ()
    flex_full: bool = False

    def refusal(self, status: int, reason: str = "", **error: Any) -> web.Response:
        """Groq's answer of HTTP *status*; *error* overrides what its body says."""
        refused = super().refusal(status, reason, **error)
        refused.headers.update(LIMITS)
        if status == 429:
            refused.headers["x-ratelimit-remaining-tokens"] = "0"
        return refused

    async def hear(self, text: str) -> None:
        """The next file is heard as *text*."""
        self.lines.put(text)
