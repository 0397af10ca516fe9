"""What ElevenLabs' agents mean by their errors: error events and close codes (pure).

The names are those of the vendor's published contract of agents: ``error_event.error_type``, and
the four close codes 1000, 1002, 1008 and 1011. A reason in words is read for what it names,
because some refusals have nothing else.
"""

from __future__ import annotations

from typing import Any

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS
from patter_elevenlabs._errors import ERRORS, of_code, without

NORMAL_CLOSE = 1000
REFUSED_CLOSE = 1008
CRASHED_CLOSE = 1011
REQUEST_CLOSE = 3000
"""Undocumented: what an agent, or a branch of one, that cannot be used is closed with."""

_SECURITY = "the agent's Security settings at elevenlabs.io"
_PERMANENT = {
    "override_error": f"allow the override in {_SECURITY}, or do not set that option",
    "missing_dynamic_variable": "give it in dynamic_variables",
    "missing_dynamic_variable_transfer": "give it in dynamic_variables",
    "telephony_agent_error": "use an agent that speaks",
    "mcp_https_error": "give the agent's MCP server an https address",
    "mcp_tool_error": "correct the agent's MCP tools",
}
"""Kinds of errors that somebody has to correct, and how."""

_PASSING = frozenset(
    {
        "asr_transcription_error",
        "asyncio_timeout",
        "cascade_brain_error",
        "custom_llm_error",
        "http_exception",
        "llm_error",
        "llm_timeout",
        "redis_timeout_error",
        "transport_receive_timeout",
        "tts_cascade_error",
        "turn_probability_error",
        "unknown_websocket_crash",
        "vad_error",
        "websocket_disconnect",
    }
)
"""Kinds of errors that another attempt may not meet."""

_REFUSED = frozenset({"invalid_message", "missing_fields", "safety_violation", "value_error"})
"""Kinds of errors that come again with the same messages."""


def of_event(body: Any, key: str) -> PatterError | None:
    """The error in an ``error_event``, without *key*; None for an orderly end (code 1000)."""
    code = body.get("code")
    kind = str(body.get("error_type") or body.get("error_name") or "")
    words = without(key, str(body.get("message") or body.get("reason") or kind))
    if code == NORMAL_CLOSE:
        return None
    return _of_kind(kind, words) or _of_words(words) or _of_code(code, words)


class Ended(PatterConnectionError):
    """The socket was closed in order: no failure, unless something was still to come."""


def hung_up(key: str, code: int | None, reason: str) -> PatterError:
    """The error for a socket that was closed with *code*, without *key*; `Ended` if in order."""
    return of_end(code, reason, key) or Ended(
        "ElevenLabs ended the conversation", fix="begin another one"
    )


def of_end(code: int | None, reason: str, key: str) -> PatterError | None:
    """The error for a socket that was closed with *code*; None if that was in order."""
    if code == NORMAL_CLOSE:
        return None
    words = without(key, reason)
    return _of_words(words) or _of_code(code, words)


def _of_kind(kind: str, words: str) -> PatterError | None:
    if fix := _PERMANENT.get(kind):
        return PatterConfigError(_message("refused the conversation", words), fix=fix)
    if kind in _PASSING:
        return _failed(words)
    if kind in _REFUSED:
        return ProviderError(
            _message("refused a message", words), fix="check the engine's options and the agent's"
        )
    return None


def _of_words(words: str) -> PatterError | None:
    """The error that *words* tell of, where they tell more than a code does."""
    if (error := of_code(words)) is not None:
        return error
    text = words.lower()
    if "quota" in text or "credit" in text or "payment" in text:
        return AuthenticationError(
            _message("wants to be paid first", words),
            fix="add credit to the account of ELEVENLABS_API_KEY",
        )
    if "concurrent" in text or "rate limit" in text or "system_busy" in text:
        return RateLimitError(
            _message("takes no more conversations for now", words),
            fix="fewer calls at once, or ask ElevenLabs for a higher limit",
        )
    if "override" in text:
        return PatterConfigError(
            _message("refused an override", words), fix=_PERMANENT["override_error"]
        )
    if "dynamic variable" in text:
        return PatterConfigError(
            _message("misses a variable", words), fix=_PERMANENT["missing_dynamic_variable"]
        )
    if "authoriz" in text or "authent" in text or "permission" in text or "api key" in text:
        # Words about a key may have a part of it.
        return AuthenticationError(
            "ElevenLabs refused the key", fix="export a valid ELEVENLABS_API_KEY"
        )
    return None


def _of_code(code: object, words: str) -> PatterError:
    if code == REQUEST_CLOSE:
        return PatterConfigError(
            _message("cannot use the agent", words),
            fix="check agent_id, branch_id and environment, and that the key may use the agent",
        )
    if code == REFUSED_CLOSE:
        return ProviderError(
            _message("refused a message", words), fix="check the engine's options and the agent's"
        )
    if code == CRASHED_CLOSE:
        return _failed(words)
    return ERRORS.hung_up(code if isinstance(code, int) else None, words)


def _failed(words: str) -> PatterError:
    return PatterConnectionError(
        _message("failed", words), fix=f"try again; see {ERRORS.status_page}"
    )


def _message(what: str, words: str) -> str:
    return f"ElevenLabs {what}{': ' + words[:MOST_WORDS] if words else ''}"
