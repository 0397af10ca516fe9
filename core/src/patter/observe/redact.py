"""How phone numbers are written down: whole, masked, or as a hash that only compares. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum

from patter.errors import PatterConfigError

_NUMBER = re.compile(r"\+[1-9]\d{6,14}(?!\d)")


class Redaction(StrEnum):
    """The values of PATTER_LOG_REDACT_PHONE."""

    FULL = "full"
    MASK = "mask"
    HASH_ONLY = "hash_only"

    @classmethod
    def read(cls, value: str) -> Redaction:
        """The redaction named *value*, `FULL` when empty. Raises PatterConfigError."""
        try:
            return cls(value or cls.FULL)
        except ValueError:
            raise PatterConfigError(
                f"PATTER_LOG_REDACT_PHONE cannot be {value!r}",
                fix="export PATTER_LOG_REDACT_PHONE=full, mask or hash_only",
            ) from None


def redacted(number: str, how: Redaction) -> str:
    """*number* as *how* lets it be seen.

    >>> redacted("+15550001234", Redaction.MASK)
    '***1234'
    """
    if not number or how is Redaction.FULL:
        return number
    if how is Redaction.MASK:
        return "***" + number[-4:]
    return "sha256:" + hashlib.sha256(number.encode()).hexdigest()[:16]


def redact_text(text: str, how: Redaction, names: Iterable[str] = ()) -> str:
    """*text* with every E.164 number in it, and every one of *names*, redacted."""
    if how is Redaction.FULL:
        return text
    # The longest first: a name inside another would leave the rest of that one readable.
    for name in sorted(set(names), key=len, reverse=True):
        if name:
            text = text.replace(name, redacted(name, how))
    return _NUMBER.sub(lambda number: redacted(number.group(), how), text)
