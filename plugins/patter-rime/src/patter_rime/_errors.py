"""What Rime's refusals mean, and what the reader can do about them.

Source: docs.rime.ai, "Error reference" and "Troubleshooting the API". A refusal is a status with
a plain text, no JSON and no code. On an open socket it is an ``error`` message, or close code 1011
with the text as its reason, which usually begins with the status: ``400: text is too long``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors

ERRORS = VendorErrors("Rime", "RIME_API_KEY", "docs.rime.ai/docs/errors")

_STATUS = re.compile(r"\s*([45]\d\d)\b[\s:,-]*")
_PASSING = ("internal error", "database error", "engine error", "timed out", "timeout")


def of_handshake(answer: aiohttp.WSServerHandshakeError) -> PatterError:
    """The error for a socket that was not opened. Its text does not reach us, only its status."""
    if answer.status == 401:
        return AuthenticationError(
            "Rime refused the key (401)",
            fix="export a valid RIME_API_KEY, and see that its account has a subscription",
        )
    return of_answer(answer.status, "", answer.headers or {})


def of_answer(
    status: int, words: str, headers: Mapping[str, str] | None = None, *, key: str = ""
) -> PatterError:
    """The error for *status* with Rime's own *words*; *key* is never repeated."""
    words = without(key, words)
    error = _of_words(words) if status < 500 else None
    if error is not None:
        return error
    if status == 403:
        return AuthenticationError(
            "Rime does not let this account do this (403)",
            fix="ask support@rime.ai for access, or use another account's RIME_API_KEY",
        )
    # What is said of a key may hold a part of it.
    return ERRORS.refused(status, "" if status == 401 else words, headers=headers)


def of_message(words: str, key: str = "") -> PatterError:
    """The error for a message of type ``error``, which says *words*."""
    words = without(key, words)
    if (error := _of_reason(words)) is not None:
        return error
    return ProviderError(
        f"Rime refused what it was sent: {words[:MOST_WORDS]}",
        fix="check the provider's options; see docs.rime.ai/docs/errors",
    )


def of_close(code: int | None, reason: str, key: str = "") -> PatterError:
    """The error for a socket that Rime closed with *code* and *reason*."""
    reason = without(key, reason)
    # Rime says of the status in a reason that it is usual, not certain: without it, it may pass.
    return _of_reason(reason) or ERRORS.hung_up(code, reason)


def without(key: str, words: str) -> str:
    """*words* without *key*.

    >>> without("k-1", "no such key: k-1")
    'no such key: ***'
    """
    return words.replace(key, "***") if key else words


def _of_reason(words: str) -> PatterError | None:
    """The error that *words* tell on a socket; None when they tell none that is known."""
    if (status := _STATUS.match(words)) is not None:
        return of_answer(int(status[1]), words[status.end() :])
    return _of_words(words)


def _of_words(words: str) -> PatterError | None:
    text, tail = words.lower(), words[:MOST_WORDS]
    if "invalid subscription" in text:
        return AuthenticationError(
            "Rime knows the key, but its account has no valid subscription",
            fix="renew the subscription at app.rime.ai; another key of it would not help",
        )
    if "apikey" in text or "api key" in text or "authorization header" in text:
        return ERRORS.refused(401)
    if "speaker" in text:
        return PatterConfigError(
            f"Rime has no such speaker for this model: {tail}",
            fix="choose one of docs.rime.ai/docs/voices that the model has, and its lang",
        )
    if "is not supported for model" in text:
        return PatterConfigError(
            f"Rime's model does not speak this language: {tail}",
            fix="choose a lang of the model, and a speaker of that language",
        )
    if any(each in text for each in _PASSING):
        return PatterConnectionError(f"Rime failed: {tail}", fix="try again")
    return None
