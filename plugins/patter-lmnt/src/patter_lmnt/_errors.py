"""What LMNT's refusals mean: HTTP statuses, and the types of errors in bodies and messages.

Types from lmnt 2.13 (``ErrorBody``). A socket is opened before the key is looked at, so that what
HTTP says with a status comes as a message there. Requests without a version are answered with
``{"error": "Invalid API key"}`` and 403, as a public probe of August 2026 has recorded; that probe
also saw 1002 close a socket that was sent something it could not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patter.errors import PatterConfigError, PatterError, ProviderError
from patter.vendors import error_bodies
from patter.vendors.errors import MOST_WORDS, VendorErrors

ERRORS = VendorErrors("LMNT", "LMNT_API_KEY", "lmnt.com")

STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "payment_required_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "internal_server_error": 500,
}
"""The status that HTTP has for each type of error."""

_VOICE = re.compile(r"\bvoice\b", re.IGNORECASE)
PROTOCOL, POLICY = 1002, 1008
"""Codes with which a socket is closed that was sent something wrong."""


def of_answer(status: int, body: object, headers: Mapping[str, str], key: str) -> PatterError:
    """The error for an HTTP answer of *status* with *body*; *key* is not in it."""
    return error_bodies.refused(ERRORS, status, body, headers=headers, secret=key)


def of_message(body: Mapping[str, Any], key: str) -> PatterError:
    """The error for a message ``{"type": "error", "error": {"message", "type"}}`` of a socket."""
    error = error_bodies.error_in(body)
    words = error_bodies.words(error, key)
    status = STATUSES.get(str(error.get("type")))
    if status is None:
        status = 401 if "api key" in words.lower() else 400
    if status in (401, 403):
        # What is said of a key may hold a part of it.
        return ERRORS.refused(status, str(error.get("type") or ""))
    if status == 400 and _VOICE.search(words):
        return PatterConfigError(
            f"LMNT does not take the voice: {words[:MOST_WORDS]}",
            fix="check voice: GET /v1/ai/voice/list lists the ids",
        )
    return ERRORS.refused(status, words)


def hung_up(code: int | None, reason: str) -> PatterError:
    """The error for a socket that LMNT closed with *code* and *reason*."""
    if code in (PROTOCOL, POLICY):
        return ProviderError(
            f"LMNT refused what it was sent ({code})",
            fix="check the key, the voice and the other options, or update patter-lmnt",
        )
    return ERRORS.hung_up(code, reason)
