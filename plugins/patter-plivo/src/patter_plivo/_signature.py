"""Is a webhook really Plivo's? Signatures of version 3, as Plivo's own SDK computes them. Pure.

The HMAC-SHA256, keyed with the auth token, of the address with its query sorted, the form's
fields sorted, and a nonce. Source: plivo 4.63, `utils/signature_v3.py`; the tests hold it to it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import parse_qs, urlparse

import attrs

from patter.errors import WebhookVerificationError

Fields: TypeAlias = Mapping[str, Sequence[str]]

SIGNATURE = "X-Plivo-Signature-V3"
NONCE = "X-Plivo-Signature-V3-Nonce"
MAX_CANDIDATES = 8


@attrs.frozen(kw_only=True)
class Seal:
    """The secret of one account."""

    token: str = attrs.field(repr=False)

    def checked(self, url: str, fields: Fields, headers: Mapping[str, str]) -> str:
        """The signature of a form posted to *url*. Raises WebhookVerificationError."""
        given, nonce = headers.get(SIGNATURE, ""), headers.get(NONCE, "")
        if not given or not nonce:
            raise WebhookVerificationError(
                f"there is no {SIGNATURE if nonce else NONCE} on the webhook",
                fix="only Plivo may post here; a proxy in front must pass its headers on",
            )
        expected = self.signature(url, fields, nonce)
        if not _among(expected, given):
            raise _mismatch(url, headers.get("Host", ""))
        return expected

    def sign(self, url: str, fields: Fields, nonce: str) -> dict[str, str]:
        """The headers that prove a form posted to *url*, as Plivo gives them."""
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


def _among(expected: str, candidates: str) -> bool:
    """Is *expected* one of those with commas between? Takes as long whichever it is."""
    sought, found = expected.encode(), False
    for each in candidates.split(",", MAX_CANDIDATES)[:MAX_CANDIDATES]:
        found |= hmac.compare_digest(sought, each.strip().encode(errors="replace"))
    return found


def _mismatch(url: str, through: str) -> WebhookVerificationError:
    host, _, path = url.partition("://")[2].partition("/")
    return WebhookVerificationError(
        f"signature mismatch on /{path.partition('?')[0]}",
        fix=f"webhook_url must equal the public host: now {host}, request came through "
        f"{through[:100]}; and auth_token must be that of the account which called",
    )
