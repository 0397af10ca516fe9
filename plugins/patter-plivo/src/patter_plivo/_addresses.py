"""Where Plivo is told to send what it has to say: addresses on our public host.

What a later webhook must know stands in its address, which Plivo signs with it, so that any
process can answer it. Plivo's SDK signs ASCII alone, so text travels as base64.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote, urlencode

import attrs

from patter.errors import InputError, PatterConfigError
from patter.providers.carrier import Switchboard

ROOT = "/webhooks/plivo"
MAX_TEXT_BYTES = 900
"""What of a text fits into an address of 2,000 characters, beside the rest."""


@attrs.frozen
class Addresses:
    """The addresses behind *switchboard*'s public host."""

    switchboard: Switchboard

    def fixed(self, what: str, **told: str) -> str:
        """The address of *what*, which brings back what is *told*. Raises PatterConfigError."""
        if not (host := self.switchboard.public_host):
            raise PatterConfigError(
                "Plivo has to reach this server, and its public host is not known",
                fix="webhook_url='agent.example.com', or tunnel=True",
            )
        query = {name: value for name, value in told.items() if value}
        return f"https://{host}{ROOT}/{what}" + (f"?{urlencode(query)}" if query else "")

    def media(self, token: str) -> str:
        """The address of the media socket of *token*."""
        return f"wss://{self.switchboard.public_host}/media/plivo/{quote(token, safe='')}"


def packed(text: str) -> str:
    """*text* as it travels in an address, cut to what one can bear."""
    whole = text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    return urlsafe_b64encode(whole.encode()).decode().rstrip("=")


def unpacked(given: str) -> str:
    """The text that was `packed`. Raises InputError."""
    try:
        raw = urlsafe_b64decode(given.encode("ascii") + b"=" * (-len(given) % 4))
        return raw.decode()
    except (ValueError, binascii.Error) as error:
        raise InputError(
            "the text in the address cannot be read", fix="send the address on as it was given"
        ) from error
