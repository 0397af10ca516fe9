"""What proves that a request comes from this application: an HMAC over its time and its body.

``X-Patter-Signature: t=1767225600,v1=HEX`` where HEX is HMAC-SHA256 of ``1767225600.BODY``.
"""

from __future__ import annotations

import hashlib
import hmac

from patter import env
from patter.safe_text import remember_secret

SIGNATURE = "X-Patter-Signature"
VARIABLE = "PATTER_WEBHOOK_SECRET"


def signature(body: bytes, secret: str, wall: float) -> str:
    """The header for *body* that is sent at *wall*, seconds since 1970."""
    return f"t={int(wall)},v1={_digest(body, secret, str(int(wall)))}"


def is_signed(
    body: bytes, header: str, secret: str, *, wall: float, within_s: float = 300.0
) -> bool:
    """Was *body* signed with *secret*, less than *within_s* away from *wall*?

    For whoever receives the requests, with the body as it came and the header of `SIGNATURE`.
    """
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    sent, digest = parts.get("t", ""), parts.get("v1", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        return False
    genuine = hmac.compare_digest(_digest(body, secret, sent).encode(), digest.encode())
    return genuine and abs(wall - int(sent)) <= within_s


def secret_of(explicit: str) -> str:
    """*explicit*, else PATTER_WEBHOOK_SECRET, else empty; no log shows it from then on."""
    secret = explicit or env.read(VARIABLE)
    if secret:
        remember_secret(secret)
    return secret


def _digest(body: bytes, secret: str, sent: str) -> str:
    return hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
