"""Every message that LMNT sends, as values; lmnt 2.13 has a model of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import attrs

Body: TypeAlias = dict[str, Any]
REQUEST_ID = "req_5a1b7c2e0d3f4e6a8b9c"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "payment_required_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


@attrs.frozen
class Refusal(Exception):
    """What LMNT does not do, as HTTP says it: *status*, and why."""

    status: int
    reason: str


def error(status: int, reason: str) -> Body:
    """A refusal, the same over HTTP and on a socket."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "internal_server_error")
    return {
        "type": "error",
        "error": {"message": reason, "type": kind},
        "request_id": REQUEST_ID,
    }


def ready() -> Body:
    return {"type": "ready", "request_id": REQUEST_ID}


def flush_complete(nonce: int) -> Body:
    return {"type": "flush_complete", "nonce": nonce}


def reset_complete(nonce: int) -> Body:
    return {"type": "reset_complete", "nonce": nonce}


def timestamps(tokens: Iterable[tuple[str, float, float]]) -> Body:
    """*tokens* are texts with start and end, in ms from the last flush; LMNT counts in seconds."""
    return {
        "type": "timestamps",
        "timestamps": [
            {
                "text": text,
                "start": round(start / 1_000, 3),
                "duration": round((end - start) / 1_000, 3),
            }
            for text, start, end in tokens
        ],
    }


def voice(voice_id: str, state: str) -> Body:
    return {
        "id": voice_id,
        "name": voice_id.capitalize(),
        "owner": "system",
        "state": state,
        "type": "instant",
        "starred": False,
    }


def account(characters: int) -> Body:
    return {
        "plan": {
            "type": "indie",
            "character_limit": 200_000,
            "commercial_use_allowed": True,
        },
        "usage": {"characters": characters},
    }
