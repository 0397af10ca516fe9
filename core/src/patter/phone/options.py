"""What one `Patter.serve` was called with, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.agent import Agent
from patter.call.answering import MessageHandler
from patter.observe.call_events import Listener
from patter.phone.callbacks import Callbacks
from patter.phone.public_endpoint import PublicEndpoint
from patter.phone.static_tunnel import StaticTunnel
from patter.server.admission import Limits
from patter.server.app import Server
from patter.server.drain import Drain

THIS_MACHINE = ("127.0.0.0/8", "::1")


@attrs.frozen(kw_only=True)
class ServeOptions:
    """The arguments of one `serve`, checked."""

    agent: Agent
    callbacks: Callbacks
    on_message: MessageHandler | None
    recording: bool
    local_recording: bool
    set_webhook: bool
    port: int
    host: str
    limits: Limits
    drain: Drain
    endpoint: PublicEndpoint
    listeners: tuple[Listener, ...]
    extensions: Mapping[str, Mapping[str, Any]]

    @property
    def server(self) -> Server:
        """The server with these settings."""
        return Server(
            host=self.host,
            port=self.port,
            public_host=self.endpoint.host,
            limits=self._limits,
            drain=self.drain,
        )

    @property
    def _limits(self) -> Limits:
        """The limits, with the tunnel's process trusted as a proxy."""
        # A tunnel's process runs on this machine and appends the address it saw to
        # X-Forwarded-For. A proxy that somebody else runs may pass that header on unchecked.
        if isinstance(self.endpoint.tunnel, StaticTunnel | None):
            return self.limits
        trusted = (*self.limits.trusted_proxies, *THIS_MACHINE)
        return attrs.evolve(self.limits, trusted_proxies=trusted)
