"""What all parts of the double share: the account, its limits, and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
from aiohttp import web

from patter_testing.doubles.api_double import ApiDouble
from patter_testing.doubles.vendor_faults import Latency

LATENCY = Latency(p50_ms=272, p95_ms=544)
"""To the first token: what Cerebras shows as an example (fast-inference.ai, June 2026). No 95th
percentile is published, and twice as long is a guess."""

MODELS = ("gpt-oss-120b", "qwen-3.8-27b", "zai-glm-4.7", "gemma-4-31b")
LIMITS = {
    "x-ratelimit-limit-requests-day": "14400",
    "x-ratelimit-limit-tokens-minute": "60000",
    "x-ratelimit-remaining-requests-day": "14370",
    "x-ratelimit-remaining-tokens-minute": "59000",
    "x-ratelimit-reset-requests-day": "33011.382867097855",
    "x-ratelimit-reset-tokens-minute": "11.382867097854614",
}
"""What answers say of limits; when they are reached, tokens are what has run out."""


@attrs.define(eq=False, kw_only=True)
class CerebrasVendor(ApiDouble):
    """Cerebras on 127.0.0.1, below ``/v1``. *model* answers.

    A request that may take more than *tokens_left* is refused before it is read. *queue_ms* is
    how long its queue is: ``flex`` and ``auto`` are refused where that is above their threshold,
    and everybody where it is above 20 s.
    """

    owner: ClassVar[str] = "Cerebras"
    types: ClassVar[Mapping[int, str]] = {
        404: "not_found_error",
        429: "too_many_requests_error",
        500: "server_error",
        503: "server_error",
    }
    codes: ClassVar[Mapping[int, str]] = {
        400: "wrong_api_format",
        401: "wrong_api_key",
        404: "model_not_found",
        422: "wrong_api_format",
        429: "request_quota_exceeded",
    }

    models: tuple[str, ...] = MODELS
    tokens_left: int | None = None
    queue_ms: float = 0.0

    def refusal(self, status: int, reason: str = "", **error: Any) -> web.Response:
        """Cerebras' answer of HTTP *status*, which is bare; *error* overrides what it says."""
        body = {
            "message": reason or f"refused: {status}",
            "type": self.types.get(status, "invalid_request_error"),
            "param": None,
            "code": self.codes.get(status),
        }
        details = {name: value for name, value in error.items() if value is not None}
        refused = web.json_response({**body, **details}, status=status, headers=LIMITS)
        if status == 429:
            refused.headers["x-ratelimit-remaining-tokens-minute"] = "0"
        return refused
