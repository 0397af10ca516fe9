"""What ElevenLabs' refusals mean: HTTP statuses, codes in bodies and messages, close codes.

Sources: elevenlabs 2.78 for Scribe's types of errors, its HTTP API reference for bodies, and what
public projects have recorded of the live service: a WebSocket is accepted before the key and the
voice are looked at, and says what is wrong in a message before it closes with 1008.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors, retry_after_ms

ERRORS = VendorErrors("ElevenLabs", "ELEVENLABS_API_KEY", "status.elevenlabs.io")
POLICY = 1008
"""The close code of a socket that was refused; it has no better one for wrong keys or voices."""

_KEY = frozenset(
    {
        "auth_error",
        "authentication_required",
        "detected_unusual_activity",
        "invalid_api_key",
        "invalid_authorization_header",
        "missing_api_key",
        "missing_permissions",
        "needs_authorization",
        "unauthorized",
    }
)
_CREDIT = frozenset({"insufficient_credits", "payment_required", "quota_exceeded"})
_PLAN = frozenset({"free_users_not_allowed", "only_for_creator+", "subscription_required"})
_TERMS = frozenset({"unaccepted_terms"})
_SETTING = frozenset(
    {
        "invalid_language_code",
        "invalid_model_id",
        "invalid_output_format",
        "invalid_voice_id",
        "model_does_not_exist",
        "model_not_found",
        "output_format_not_allowed",
        "unsupported_language",
        "unsupported_model",
        "voice_id_does_not_exist",
        "voice_not_found",
    }
)
_REQUEST = frozenset(
    {
        "chunk_size_exceeded",
        "input_error",
        "invalid_argument",
        "invalid_input_message",
        "invalid_parameters",
        "invalid_request",
        "max_character_limit_exceeded",
        "text_too_long",
    }
)
_BUSY = frozenset(
    {
        "concurrent_limit_exceeded",
        "max_active_conversations",
        "queue_overflow",
        "rate_limit_exceeded",
        "rate_limited",
        "resource_exhausted",
        "system_busy",
        "too_many_concurrent_requests",
        "too_many_requests",
    }
)
_PASSING = frozenset(
    {
        "commit_throttled",
        "error",
        "input_timeout_exceeded",
        "insufficient_audio_activity",
        "internal_error",
        "internal_server_error",
        "session_time_limit_exceeded",
        "transcriber_error",
    }
)


def of_code(code: str, words: str = "") -> PatterError | None:
    """The error for one of ElevenLabs' codes; None for one that is not known.

    *words* are its own, without secrets. Those about a key are not repeated, since they may have
    a part of it.
    """
    tail = f"({code}){': ' + words[:MOST_WORDS] if words else ''}"
    if code in _KEY:
        return AuthenticationError(
            f"ElevenLabs refused the key ({code})",
            fix="export a valid ELEVENLABS_API_KEY that may use this product",
        )
    if code in _CREDIT:
        return AuthenticationError(
            f"ElevenLabs wants to be paid first {tail}",
            fix="add credit to the account of ELEVENLABS_API_KEY, or raise the key's limit",
        )
    if code in _PLAN:
        return AuthenticationError(
            f"ElevenLabs' plan does not include this {tail}",
            fix="choose another voice or output_format, or a larger plan",
        )
    if code in _TERMS:
        return AuthenticationError(
            f"ElevenLabs' terms are not accepted {tail}", fix="accept them at elevenlabs.io"
        )
    if code in _SETTING:
        return PatterConfigError(
            f"ElevenLabs has no such thing {tail}",
            fix="check voice_id, model_id, language_code and output_format",
        )
    return _of_passing_code(code, tail)


def _of_passing_code(code: str, tail: str) -> PatterError | None:
    if code in _REQUEST:
        return ProviderError(
            f"ElevenLabs refused the request {tail}", fix="check the provider's options"
        )
    if code in _BUSY:
        return RateLimitError(
            f"ElevenLabs takes no more requests for now {tail}",
            fix="fewer calls at once, or a plan with more concurrency",
        )
    if code in _PASSING:
        return PatterConnectionError(
            f"ElevenLabs ended the session {tail}", fix="try again; see status.elevenlabs.io"
        )
    return None


def of_message(message: Mapping[str, Any], key: str) -> PatterError:
    """The error for a message ``{"message", "error", "code"}`` of a socket that speaks."""
    code, number = message.get("error"), message.get("code")
    words = without(key, str(message.get("message") or ""))
    error = of_code(code, words) if isinstance(code, str) else None
    if error is not None:
        return error
    reason = words or without(key, str(code or number or "no reason"))
    if number == POLICY:
        return ProviderError(
            f"ElevenLabs refused the request: {reason[:MOST_WORDS]}",
            fix="check the provider's options",
        )
    return PatterConnectionError(
        f"ElevenLabs failed: {reason[:MOST_WORDS]}", fix="try again; see status.elevenlabs.io"
    )


def of_close(code: int | None, reason: str = "") -> PatterError:
    """The error for a socket that ElevenLabs closed; *reason* is often one of its codes."""
    if (error := of_code(reason)) is not None:
        return error
    if code == POLICY:
        return ProviderError(
            "ElevenLabs refused what it was sent (1008)", fix="check the provider's options"
        )
    return ERRORS.hung_up(code)


def of_answer(status: int, body: object, headers: Mapping[str, str], key: str) -> PatterError:
    """The error for an HTTP answer: ``{"detail": {"code" or "status", "message"}}``.

    A key of the wrong shape is answered with 400, so that the code comes before the status.
    """
    detail = body.get("detail") if isinstance(body, Mapping) else None
    if not isinstance(detail, Mapping):
        return ERRORS.refused(status, headers=headers)
    words = without(key, str(detail.get("message") or ""))
    for name in ("code", "status"):
        if isinstance(code := detail.get(name), str) and (error := of_code(code, words)):
            if isinstance(error, RateLimitError):
                error.retry_after_ms = retry_after_ms(headers)
            return error
    return ERRORS.refused(status, "" if status in (401, 403) else words, headers=headers)


def without(key: str, words: str) -> str:
    """*words* without *key*.

    >>> without("sk_1", "no such key: sk_1")
    'no such key: ***'
    """
    return words.replace(key, "***") if key else words
