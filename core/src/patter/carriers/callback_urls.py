"""The addresses a carrier is given: webhooks and media sockets on our public host.

What a later webhook needs goes into the query of its address, which the carrier signs with
it, so that any process can answer it.
"""

from __future__ import annotations

from secrets import token_hex
from urllib.parse import quote, urlencode

import attrs

from patter.errors import PatterConfigError
from patter.providers.carrier import Switchboard


@attrs.frozen
class CallbackUrls:
    """The addresses of the carrier *name*, called *label* in errors, behind *switchboard*."""

    switchboard: Switchboard
    name: str
    label: str

    def webhook(self, path: str, **query: str) -> str:
        """The address of the webhook *path*; empty values are left out. PatterConfigError."""
        params = {name: value for name, value in query.items() if value}
        url = f"https://{self._host}{webhook_path(self.name, path)}"
        return f"{url}?{urlencode(params)}" if params else url

    def unique(self, path: str, **query: str) -> str:
        """An address for one request alone. Raises PatterConfigError.

        Some carriers sign neither a time nor a nonce: with the same address, the next honest
        webhook would look like a replay of this one's.
        """
        return self.webhook(path, **query, order=token_hex(6))

    def media(self, token: str) -> str:
        """The address of the media socket of *token*. Raises PatterConfigError."""
        return f"wss://{self._host}/media/{self.name}/{quote(token, safe='')}"

    @property
    def _host(self) -> str:
        if not (host := self.switchboard.public_host):
            raise PatterConfigError(
                f"{self.label} has to reach this server, and its public host is not known",
                fix="webhook_url='agent.example.com', or tunnel=True",
            )
        return host


def webhook_path(name: str, path: str) -> str:
    """The route of the webhook *path* of the carrier *name*.

    >>> webhook_path("parrot", "voice"), media_path("parrot")
    ('/webhooks/parrot/voice', '/media/parrot/{token}')
    """
    return f"/webhooks/{name}/{path}"


def media_path(name: str) -> str:
    """The route of the media sockets of the carrier *name*."""
    return f"/media/{name}/{{token}}"
