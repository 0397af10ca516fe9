"""Verifies that a webhook is Plivo's: signatures of version 3, as its SDK computes them. Pure.

The HMAC-SHA256, keyed with the auth token, of the address with its query sorted, the form's
fields sorted, and a nonce. Source: plivo 4.63, `utils/signature_v3.py`; the tests hold it to it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

import attrs

from patter.carriers.signatures import missing_header, signature_mismatch
from patter.carriers.verified_webhook import Fields, FormSignature

SIGNATURE = "X-Plivo-Signature-V3"
NONCE = "X-Plivo-Signature-V3-Nonce"
MAX_CANDIDATES = 8


@attrs.frozen(kw_only=True)
class Signature:
    """The secret of one account."""

    token: str = attrs.field(repr=False)

    def verify(self, url: str, fields: Fields, headers: Mapping[str, str]) -> str:
        """The signature of a form posted to *url*. Raises WebhookVerificationError."""
        candidates, nonce = headers.get(SIGNATURE, ""), headers.get(NONCE, "")
        if not candidates or not nonce:
            raise missing_header("Plivo", SIGNATURE if nonce else NONCE)
        expected = self.signature(url, fields, nonce)
        if not _is_among(expected, candidates):
            raise signature_mismatch(url, headers.get("Host", ""), secret="auth_token")
        return expected

    def sign(self, url: str, fields: Fields, nonce: str) -> dict[str, str]:
        """The headers that prove a form posted to *url*, as Plivo writes them."""
        return {SIGNATURE: self.signature(url, fields, nonce), NONCE: nonce}

    def signature(self, url: str, fields: Fields, nonce: str) -> str:
        """The signature of a POST of *fields* to *url*, in base64."""
        text = f"{signed_text(url, fields)}.{nonce}".encode(errors="surrogateescape")
        return b64encode(hmac.digest(self.token.encode(), text, sha256)).decode()


def signed_text(url: str, fields: Fields) -> str:
    """What of a POST is signed, without the nonce.

    >>> signed_text("https://h/a?b=2&a=1", {"To": ["2"], "From": ["1"]})
    'https://h/a?a=1&b=2.From1To2'
    >>> signed_text("https://h/a", {"To": ["2"]}), signed_text("https://h/a", {})
    ('https://h/a?To2', 'https://h/a')
    """
    parts = urlparse(url)
    query = "&".join(_pairs(parse_qs(parts.query, keep_blank_values=True), "="))
    text = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if query or fields:
        text += f"?{query}"
    if query and fields:
        text += "."
    return text + "".join(_pairs(fields, ""))


def _pairs(fields: Fields, between: str) -> list[str]:
    return [f"{name}{between}{value}" for name in sorted(fields) for value in sorted(fields[name])]


def _is_among(expected: str, candidates: str) -> bool:
    """Is *expected* one of those with commas between? Takes as long whichever it is."""
    target, match = expected.encode(), False
    for each in candidates.split(",", MAX_CANDIDATES)[:MAX_CANDIDATES]:
        match |= hmac.compare_digest(target, each.strip().encode(errors="replace"))
    return match


if TYPE_CHECKING:
    _: type[FormSignature] = Signature
