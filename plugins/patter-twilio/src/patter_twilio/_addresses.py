"""Where Twilio is told to send what it has to say: addresses on our public host.

What a later webhook must know stands in its address, which Twilio signs with it; a fresh
number makes each order's address its own, so that an old answer is no replay of a new one.
"""

from __future__ import annotations

from secrets import token_hex
from urllib.parse import urlencode

import attrs

from patter.errors import PatterConfigError
from patter.providers.carrier import Switchboard

ROOT = "/webhooks/twilio"


@attrs.frozen
class Addresses:
    """The addresses of the webhooks behind *switchboard*'s public host."""

    switchboard: Switchboard

    def fixed(self, what: str) -> str:
        """The address of *what*, the same for all calls. Raises PatterConfigError."""
        if not (host := self.switchboard.public_host):
            raise PatterConfigError(
                "Twilio has to reach this server, and its public host is not known",
                fix="webhook_url='agent.example.com', or tunnel=True",
            )
        return f"https://{host}{ROOT}/{what}"

    def once(self, what: str, **told: str) -> str:
        """An address of *what* for this order alone. Raises PatterConfigError."""
        return f"{self.fixed(what)}?{urlencode({**told, 'order': token_hex(6)})}"
