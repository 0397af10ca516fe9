"""What Soniox's errors mean, and what the reader can do about them.

Soniox opens any socket, and tells what is wrong in a message of it: ``error_code``, an HTTP status,
and ``error_message``. The list is that of soniox.com/docs/stt/api-reference/websocket-api, "Error
response", of November 2026. The words may change, so they decide only where one status has
several meanings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors

CONSOLE = "console.soniox.com"
ERRORS = VendorErrors("Soniox", "SONIOX_API_KEY", "status.soniox.com")

_SESSION_OVER = re.compile(
    r"audio is too long|too much audio|no audio received|cannot continue", re.IGNORECASE
)
"""The session is over, and another one would be taken: it was as long as a session may be."""

_SETTING = re.compile(
    r"model|language|context|prompt|translation|client reference|endpoint", re.IGNORECASE
)
"""The message names one of the options."""


def failed(body: Mapping[str, Any], key: str) -> PatterError:
    """The error that Soniox tells in *body*, without the *key*, should it be repeated there."""
    code = body["error_code"]
    if isinstance(code, bool) or not isinstance(code, int):
        raise TypeError("error_code is a number")
    words = str(body.get("error_message") or "").replace(key or "\0", "...")[:MOST_WORDS]
    return _meaning(code, words, f"({code}){': ' + words if words else ''}")


def _meaning(code: int, words: str, detail: str) -> PatterError:
    if code == 400:
        return _bad_request(words, detail)
    if code == 402:
        return AuthenticationError(
            f"Soniox wants to be paid first {detail}",
            fix=f"add funds or raise the budget: {CONSOLE}",
        )
    if code == 408:
        return PatterTimeoutError(
            f"Soniox has waited for audio {detail}",
            fix="nothing to set: the call connects again; see that its audio comes in real time",
        )
    if code == 429:
        return RateLimitError(
            f"Soniox takes no more sessions for now {detail}",
            fix=f"fewer calls at once, or ask for a higher limit: {CONSOLE}",
        )
    return ERRORS.refused(code, words)


def _bad_request(words: str, detail: str) -> PatterError:
    if _SESSION_OVER.search(words):
        return PatterConnectionError(
            f"Soniox ended the session {detail}", fix="nothing to set: the call connects again"
        )
    if _SETTING.search(words):
        return PatterConfigError(
            f"Soniox refused an option {detail}",
            fix="change it; soniox.com/docs/stt/models has all",
        )
    return ERRORS.refused(400, words)
