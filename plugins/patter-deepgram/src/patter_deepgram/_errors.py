"""What Deepgram's refusals and its codes mean, and what the reader can do about them.

Codes from developers.deepgram.com, "STT Troubleshooting" and "TTS Troubleshooting", and the
messages of ``/v2/listen`` and ``/v2/speak`` (deepgram-sdk 7.17).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp

from patter.errors import (
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import VendorErrors

ERRORS = VendorErrors("Deepgram", "DEEPGRAM_API_KEY", "status.deepgram.com")

_CODE = re.compile(r"\b(net|data|big|message)-?(\d{4})\b", re.IGNORECASE)
"""Close frames carry a code, or a sentence with the address of its explanation."""

_PASSING = frozenset({"INTERNAL_SERVER_ERROR", "INACTIVE_CLIENT", "CONFIGURE_INTERNAL_ERROR"})
_LIMITS = frozenset({"CONFIGURE_KEYTERMS_NOT_SUPPORTED", "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"})


def refused(handshake: aiohttp.WSServerHandshakeError, key: str) -> PatterError:
    """The error for a socket that was not opened; Deepgram gives its reason in a header."""
    headers: Mapping[str, str] = handshake.headers or {}
    reason = headers.get("dg-error", "").replace(key, "...")
    if handshake.status == 400 and "model" in reason.lower():
        return PatterConfigError(
            f"Deepgram has no such model for this language (400): {reason[:200]}",
            fix="see developers.deepgram.com/docs/models-languages-overview",
        )
    return ERRORS.refused(handshake.status, reason, headers=headers)


def hung_up(code: int | None, reason: str) -> PatterError:
    """The error for a socket that Deepgram closed with *code* and *reason*."""
    named = _CODE.search(reason)
    if named is None:
        return ERRORS.hung_up(code, reason)
    return failed(f"{named[1].upper()}-{named[2]}", reason)


def failed(code: str, words: str) -> PatterError:
    """The error for a *code* in a message of Deepgram, which it explains in *words*."""
    message = f"Deepgram failed ({code}): {words[:200]}"
    if code.startswith("NET") or code in _PASSING:
        return PatterConnectionError(message, fix="try again; see status.deepgram.com")
    if code == "DATA-0001":
        return RateLimitError(
            f"Deepgram takes no more text for now ({code})",
            fix="say less at once: Aura speaks 2400 characters a minute",
        )
    if code in _LIMITS:
        return PatterConfigError(message, fix="use a nova-3 model, and at most 500 tokens of terms")
    return ProviderError(message, fix="check the provider's options, or update patter-deepgram")
