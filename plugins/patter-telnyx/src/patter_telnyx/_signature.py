"""Verifies that a webhook is Telnyx's. Pure: headers, a body and the time in, a signature out.

Ed25519 over the timestamp, a bar, and the body as it came. Several signatures, separated by
commas, come while an account's key is being replaced; one that fits is enough.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping

import attrs
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from patter.carriers.signatures import missing_header
from patter.carriers.webhooks import check_age
from patter.errors import WebhookVerificationError

SIGNATURE = "telnyx-signature-ed25519"
TIMESTAMP = "telnyx-timestamp"
SIGNATURE_BYTES = 64
MAX_SIGNATURES = 8
MS_FROM = 10**12
"""Timestamps from here on count milliseconds."""
_DIGITS = re.compile(r"[0-9]{1,16}\Z", re.ASCII)


@attrs.frozen
class Signature:
    """The signatures of the account with this public *key*, 32 bytes."""

    key: bytes

    def verify(self, headers: Mapping[str, str], body: bytes, now_s: float) -> bytes:
        """The signature that fits. Raises WebhookVerificationError, also for an old one."""
        stamp = headers.get(TIMESTAMP, "")
        check_age(_seconds(stamp), now_s)
        signed = stamp.encode("ascii") + b"|" + body
        key = VerifyKey(self.key)
        for signature in _signatures(headers.get(SIGNATURE, "")):
            try:
                key.verify(signed, signature)
            except BadSignatureError:
                continue
            return signature
        raise WebhookVerificationError(
            "signature mismatch on /webhooks/telnyx/voice",
            fix="TELNYX_PUBLIC_KEY must be that of the account which calls; see portal.telnyx.com",
        )


def _seconds(stamp: str) -> float:
    if not _DIGITS.match(stamp):
        raise missing_header("Telnyx", f"{TIMESTAMP} in seconds")
    number = int(stamp)
    return number / 1_000 if number >= MS_FROM else float(number)


def _signatures(header: str) -> list[bytes]:
    """The signatures that can be read, at most a few."""
    signatures = []
    for part in header.split(",")[:MAX_SIGNATURES]:
        try:
            signature = binascii.a2b_base64(part.strip().encode(), strict_mode=True)
        except ValueError:
            continue
        if len(signature) == SIGNATURE_BYTES:
            signatures.append(signature)
    return signatures
