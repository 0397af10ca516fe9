"""What AssemblyAI's codes mean, and what the reader can do about them.

A session that fails says so in an Error message, and is then closed with the same code. Codes
from assemblyai.com/docs/streaming/common-session-errors-and-closures; those from 4000 on are in
the table of assemblyai 1.8.2, and older.
"""

from __future__ import annotations

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    ProviderError,
    RateLimitError,
)
from patter.vendors.errors import MOST_WORDS, VendorErrors

VARIABLE = "ASSEMBLYAI_API_KEY"
ERRORS = VendorErrors("AssemblyAI", VARIABLE, "status.assemblyai.com")

_REFUSED = frozenset({1008, 4001})
_UNPAID = frozenset({4002, 4003})
_UNPAID_WORDS = ("balance", "fund", "credit", "paid-only", "payment")
_CROWDED = frozenset({3009, 4102})
_CROWDED_WORDS = "too many"
_INVALID = frozenset({3006, 4000})
_MESSAGE_WORDS = ("invalid message", "invalid json")
_RATE_WORDS = "transmission rate"
_AUDIO = frozenset({3007, 4032, 4033, 4034, 4100, 4101})
_PASSING = frozenset({1013, 3005, 3008, 4004, 4008, 4010, 4029, 4030, 4031, 4103})
_CODES = _REFUSED | _UNPAID | _CROWDED | _INVALID | _AUDIO | _PASSING


def failed(code: int | None, words: str) -> PatterError:
    """The error for a session that ended with *code*, which AssemblyAI explains in *words*."""
    lower = words.lower()
    tail = f"({code})" + (f": {words[:MOST_WORDS]}" if words else "")
    # Of a session too many AssemblyAI says 1008 or 3009, and "unauthorized" with both.
    if code in _CROWDED or (code in _REFUSED and _CROWDED_WORDS in lower):
        return RateLimitError(
            f"AssemblyAI opens no more sessions for now {tail}",
            fix="fewer new calls a minute, or raise the limit at assemblyai.com/dashboard",
        )
    if code in _UNPAID or (code in _REFUSED and any(each in lower for each in _UNPAID_WORDS)):
        return AuthenticationError(
            f"AssemblyAI wants to be paid first {tail}",
            fix=f"add credit to the account of {VARIABLE}",
        )
    if code in _REFUSED:
        return AuthenticationError(
            f"AssemblyAI refused the key {tail}", fix=f"export a valid {VARIABLE}"
        )
    if code in _INVALID and not any(each in lower for each in _MESSAGE_WORDS):
        return PatterConfigError(
            f"AssemblyAI refused the options {tail}",
            fix="check model and options of AssemblyAISTT; see assemblyai.com/docs/streaming",
        )
    if code in _PASSING or (code in _AUDIO and _RATE_WORDS in lower):
        return PatterConnectionError(
            f"AssemblyAI ended the session {tail}",
            fix="nothing to set: the call connects again; see status.assemblyai.com",
        )
    return ProviderError(f"AssemblyAI failed {tail}", fix="update patter-assemblyai")


def hung_up(code: int | None, reason: str) -> PatterError:
    """The error for a socket that AssemblyAI closed with *code* and *reason*."""
    return failed(code, reason) if code in _CODES else ERRORS.hung_up(code, reason)
