"""Why Google closes a Live socket: three codes for everything, and a reason in words (pure).

1007 is an argument it does not take, a key among them; 1008 what is not allowed or not there; 1011
what failed on its side, quotas and empty accounts among them. So the words decide. As quoted in
reports of users of google-genai, js-genai and pipecat between 2025 and November 2026.
"""

from __future__ import annotations

import re

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS
from patter_google._errors import ERRORS

IN_ORDER = 1_000
INVALID, POLICY = 1_007, 1_008

_KEY = re.compile(r"api.?key|unauthenticated|access.?token|credential|leaked", re.IGNORECASE)
_DENIED = re.compile(r"permission|denied|forbidden|has not been used|disabled", re.IGNORECASE)
_UNPAID = re.compile(r"credits? (are|is) depleted|prepay", re.IGNORECASE)
_BUSY = re.compile(r"quota|rate.?limit|resource.?exhausted|too many", re.IGNORECASE)
_ABSENT = re.compile(r"not found|not supported for bidi|unsupported model", re.IGNORECASE)
_PASSING = re.compile(r"abort|cancel|deadline|unavailable|internal|session.*expired", re.IGNORECASE)
_RETRY = re.compile(r"retry in (\d+(?:\.\d+)?) ?s", re.IGNORECASE)


class Ended(PatterConnectionError):
    """Google is done with the session, in order."""


def hung_up(code: int | None, reason: str, *, secret: str = "") -> PatterError:
    """The error for a socket closed with *code* and *reason*; *secret* is never repeated."""
    if code == IN_ORDER:
        ended = ERRORS.hung_up(code)
        return Ended(ended.message, fix=ended.fix)
    words = reason.replace(secret, "[key]") if secret else reason
    tail = f"({code}): {words}"[:MOST_WORDS]
    if code in (INVALID, POLICY, 1_011):
        for pattern, error in _BY_WORDS:
            if pattern.search(words):
                return error(tail)
        if code in (INVALID, POLICY) and not _PASSING.search(words):
            return ProviderError(
                f"Google refused what the session asked for {tail}",
                fix="check the engine's options against those of its model",
            )
    return ERRORS.hung_up(code, words)


def _bad_key(tail: str) -> PatterError:
    # Its words may hold a part of the key; the code is enough.
    return ERRORS.refused(401, tail.partition(":")[0].strip("()"))


def _forbidden(tail: str) -> PatterError:
    return AuthenticationError(
        f"Google refuses this project {tail}",
        fix="enable the API for the project, and allow the key or the account to use it",
    )


def _unpaid(tail: str) -> PatterError:
    return AuthenticationError(
        f"Google wants to be paid first {tail}", fix="add credit to the project's billing account"
    )


def _busy(tail: str) -> PatterError:
    match = _RETRY.search(tail)
    return RateLimitError(
        f"Google takes no more sessions for now {tail}",
        fix="fewer calls at once, or ask Google for a higher quota",
        retry_after_ms=float(match[1]) * 1_000 if match else 0.0,
    )


def _absent(tail: str) -> PatterError:
    return PatterConfigError(
        f"Google has no such Live model here {tail}",
        fix="check the model's name, and for Vertex AI the location",
    )


_BY_WORDS = (
    (_UNPAID, _unpaid),
    (_BUSY, _busy),
    (_ABSENT, _absent),
    (_KEY, _bad_key),
    (_DENIED, _forbidden),
)
"""Tried in this order: what is said of a quota also names keys and projects."""
