"""A Telnyx account's public key, as the portal shows it or as other tools write it (pure)."""

from __future__ import annotations

import binascii

from patter.errors import PatterConfigError

KEY_BYTES = 32
# SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): everything before its 32 bytes.
DER = bytes.fromhex("302a300506032b6570032100")


def read_public_key(text: str) -> bytes:
    """The 32 bytes of a key in base64, raw or DER. Raises PatterConfigError."""
    try:
        raw = binascii.a2b_base64(text.strip().encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise _unreadable("is not base64") from error
    key = raw.removeprefix(DER)
    if len(key) != KEY_BYTES:
        raise _unreadable(f"has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _unreadable(why: str) -> PatterConfigError:
    return PatterConfigError(
        f"Telnyx's public_key {why}",
        fix="export TELNYX_PUBLIC_KEY as portal.telnyx.com shows it under Keys & Credentials",
    )
