"""Signed media tokens: proof that a media socket belongs to a call that was admitted.

Pure: the time is an argument, nothing is remembered. Whether a token is in use is decided by
the registry.
A token is ``v1.CLAIMS.SIGNATURE``: url-safe, HMAC-SHA256 over the version and the claims.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256

import attrs
import orjson

from patter.errors import WebhookVerificationError

VERSION = "v1"
# Ours have about 200 characters; nothing longer is worth an HMAC.
MAX_LENGTH = 1_024
_FIX = "open the media socket with the media_url this server gave for the call"


@attrs.frozen(kw_only=True)
class MediaClaims:
    """The content of a token: the call, and when it expires (seconds since 1970, UTC)."""

    call_id: str
    carrier: str
    account: str = ""
    expires: int = 0

    def fit(self, carrier: str, account: str) -> bool:
        """Is the token for a call of *carrier* and *account*?"""
        return (self.carrier, self.account) == (carrier, account)

    def check_fresh(self, wall: float) -> None:
        """Raise WebhookVerificationError once *wall* has reached the expiry."""
        if wall >= self.expires:
            raise WebhookVerificationError(
                f"the media token of call {self.call_id} expired {wall - self.expires:.0f} s ago",
                fix="open the media socket as soon as the call is answered; check both clocks",
            )


@attrs.frozen
class TokenSigner:
    """Signs and reads tokens with *key*: at least 16 bytes, the same on every server of a fleet.

    Without a key one is made, so tokens die with the process.
    """

    key: bytes = attrs.field(
        factory=lambda: secrets.token_bytes(32),
        validator=attrs.validators.min_len(16),
        repr=False,
    )

    def sign(self, claims: MediaClaims) -> str:
        """Return the token for *claims*: letters, digits, ``-``, ``_`` and two dots."""
        payload = orjson.dumps([claims.call_id, claims.carrier, claims.account, claims.expires])
        signed = f"{VERSION}.{_encode(payload)}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str) -> MediaClaims:
        """Return the claims of *token*, however old it is.

        Raises WebhookVerificationError when it is missing, forged or of another version.
        """
        if not token:
            raise WebhookVerificationError("the media socket has no token", fix=_FIX)
        if len(token) > MAX_LENGTH or not token.isascii():
            raise _forged("it has the wrong shape")
        signed, _, signature = token.rpartition(".")
        # In constant time: an early return would let a signature be guessed byte by byte.
        if not hmac.compare_digest(self._signature(signed), signature):
            raise _forged("this server did not sign it")
        return _claims(signed)

    def _signature(self, signed: str) -> str:
        return _encode(hmac.digest(self.key, signed.encode(), sha256))


def _claims(signed: str) -> MediaClaims:
    """Read claims whose signature was checked."""
    version, _, payload = signed.partition(".")
    if version != VERSION:
        raise _forged(f"it is of version {version!r}, this is {VERSION!r}")
    call_id, carrier, account, expires = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
    return MediaClaims(call_id=call_id, carrier=carrier, account=account, expires=expires)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _forged(why: str) -> WebhookVerificationError:
    return WebhookVerificationError(
        f"the media token is not ours: {why}",
        fix=f"{_FIX}; several servers behind one address need the same token key",
    )
