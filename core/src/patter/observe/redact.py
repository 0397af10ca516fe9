"""How phone numbers are written down: whole, masked, or as a keyed hash that only compares."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from enum import StrEnum
from secrets import token_bytes

import attrs

from patter.errors import PatterConfigError

KEY_BYTES = 32
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


@attrs.frozen
class Redactor:
    """Writes numbers down as *how* says; *key* is what their hashes are keyed by.

    Without a key of its own, its hashes compare with those of no other.
    """

    how: Redaction = Redaction.FULL
    key: bytes = attrs.field(factory=lambda: token_bytes(KEY_BYTES), repr=False)

    def number(self, number: str) -> str:
        """*number* as it may be seen.

        >>> Redactor(Redaction.MASK).number("+15550001234")
        '***1234'
        """
        if not number or self.how is Redaction.FULL:
            return number
        if self.how is Redaction.MASK:
            return "***" + number[-4:]
        return "hmac:" + hmac.digest(self.key, number.encode(), "sha256").hex()[:16]

    def text(self, text: str, names: Iterable[str] = ()) -> str:
        """*text* with every E.164 number in it, and every one of *names*, redacted."""
        if self.how is Redaction.FULL:
            return text
        # The longest first: a name inside another would leave the rest of that one readable.
        for name in sorted(set(names), key=len, reverse=True):
            if name:
                text = text.replace(name, self.number(name))
        return _NUMBER.sub(lambda number: self.number(number.group()), text)
