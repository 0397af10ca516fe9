"""A tunnel or proxy that runs elsewhere: only its public host is needed, nothing is started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.errors import PatterConfigError
from patter.phone.arguments import text
from patter.phone.public_endpoint import host_of
from patter.providers.tunnel import Tunnel


def _host(hostname: str) -> str:
    host = host_of(text("hostname", hostname), "hostname")
    if not host:
        raise PatterConfigError(
            "StaticTunnel has no hostname", fix="StaticTunnel('agent.example.com')"
        )
    return host


@attrs.frozen
class StaticTunnel:
    """*hostname* leads to the port that is served: a proxy or tunnel of your own.

    Scheme and trailing slash are taken off. Raises PatterConfigError when it is empty or more
    than a host.
    """

    hostname: str = attrs.field(converter=_host)

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:  # noqa: ARG002
        """Yield *hostname*; whether it leads here is not checked."""
        yield self.hostname


if TYPE_CHECKING:
    _: type[Tunnel] = StaticTunnel


Static = StaticTunnel
"""The former name of `StaticTunnel`, kept as an alias."""
