"""What the errors of Speechmatics mean, in a message or in the code of a closed socket.

Types and codes: docs.speechmatics.com, "Realtime API Reference", as of November 2026. The types
``insufficient_funds``, ``data_error``, ``buffer_error`` and ``session_transfer`` are of earlier
versions of that page, ``start_recognition_timeout`` is of the one on agents.
"""

from __future__ import annotations

from collections.abc import Callable

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors

KEY = "SPEECHMATICS_API_KEY"
ERRORS = VendorErrors("Speechmatics", KEY, "status.speechmatics.com")

QUOTA_MS = 5_000
"""Who has too many sessions should wait 5 to 10 s before the next attempt."""

CLOSE_CODES = {
    1003: "protocol_error",
    1008: "policy_violation",
    1011: "internal_error",
    4001: "not_authorised",
    4003: "not_allowed",
    4004: "invalid_model",
    4005: "quota_exceeded",
    4006: "timelimit_exceeded",
    4013: "job_error",
}

_PASSING = frozenset(
    {
        "buffer_error",
        "data_error",
        "idle_timeout",
        "internal_error",
        "job_error",
        "policy_violation",
        "session_timeout",
        "session_transfer",
        "unknown_error",
    }
)
"""A new session may work: the old one was too old, idle or behind, or its server in trouble."""

_SETTINGS = {
    "invalid_model": "check model, language and domain, and what the account may use",
    "invalid_language": "check language; see docs.speechmatics.com/speech-to-text/languages",
    "invalid_config": "check the options of SpeechmaticsSTT against this model and language",
    "invalid_audio_type": "update patter-speechmatics, or check what answers at base_url",
    "invalid_output_format": "update patter-speechmatics, or check what answers at base_url",
}


def failed(kind: str, reason: str, key: str = "") -> PatterError:
    """The error for an *kind* of Speechmatics, explained in *reason*; *key* is kept out of it."""
    words = reason.replace(key, "...") if key else reason
    tail = f"({kind}{': ' + words[:MOST_WORDS] if words else ''})"
    if kind == "not_authorised":
        return ERRORS.refused(401, f"{kind}: {words}")
    if kind == "start_recognition_timeout":
        return ERRORS.late()
    if kind in _PASSING:
        return PatterConnectionError(
            f"Speechmatics ended the session {tail}", fix=f"try again; see {ERRORS.status_page}"
        )
    if kind in _SETTINGS:
        return PatterConfigError(f"Speechmatics refused a setting {tail}", fix=_SETTINGS[kind])
    if kind in _ACCOUNT:
        return _ACCOUNT[kind](tail)
    return ProviderError(
        f"Speechmatics refused a message {tail}", fix="update patter-speechmatics, or report it"
    )


def hung_up(code: int | None, reason: str, key: str = "") -> PatterError:
    """The error for a socket that Speechmatics closed with *code* and *reason*, a type of error."""
    if code in CLOSE_CODES:
        return failed(CLOSE_CODES[code], "" if reason == CLOSE_CODES[code] else reason, key)
    return ERRORS.hung_up(code, reason.replace(key, "...") if key else reason)


def _too_many(tail: str) -> PatterError:
    return RateLimitError(
        f"Speechmatics takes no more sessions for now {tail}",
        fix="fewer calls at once: 2 on a free account, 20 on a paid one; or ask for more",
        retry_after_ms=QUOTA_MS,
    )


def _used_up(tail: str) -> PatterError:
    return AuthenticationError(
        f"the hours of this month are used up at Speechmatics {tail}",
        fix=f"upgrade the account of {KEY}, or ask Speechmatics for a higher limit",
    )


def _unpaid(tail: str) -> PatterError:
    return AuthenticationError(
        f"Speechmatics wants to be paid first {tail}", fix=f"add credit to the account of {KEY}"
    )


def _forbidden(tail: str) -> PatterError:
    return AuthenticationError(
        f"the account at Speechmatics may not do this {tail}",
        fix=f"use a real-time key in {KEY}, and what its account may use",
    )


_ACCOUNT: dict[str, Callable[[str], PatterError]] = {
    "quota_exceeded": _too_many,
    "timelimit_exceeded": _used_up,
    "insufficient_funds": _unpaid,
    "not_allowed": _forbidden,
}
