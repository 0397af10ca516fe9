"""Text in the query of an address (pure): Plivo's SDK signs ASCII alone, so it is base64."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from patter.errors import InputError

MAX_TEXT_BYTES = 900
"""What of a text fits into an address of 2,000 characters, beside the rest."""


def pack_text(text: str) -> str:
    """*text* for the query of an address, cut to what an address can hold."""
    whole = text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    return urlsafe_b64encode(whole.encode()).decode().rstrip("=")


def unpack_text(packed: str) -> str:
    """The text in *packed*, which `pack_text` made. Raises InputError."""
    try:
        raw = urlsafe_b64decode(packed.encode("ascii") + b"=" * (-len(packed) % 4))
        return raw.decode()
    except (ValueError, binascii.Error) as error:
        raise InputError(
            "the text in the address cannot be read", fix="send the address on unchanged"
        ) from error
