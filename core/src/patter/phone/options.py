"""What one `Patter.serve` was called with, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.agent import Agent
from patter.call.answering import MessageHandler
from patter.call.turn.events import UtteranceKind
from patter.observe.call_events import Listener
from patter.phone import arguments as checked
from patter.phone.callbacks import Callbacks
from patter.phone.public_endpoint import PublicEndpoint
from patter.phone.static_tunnel import StaticTunnel
from patter.server.admission import Limits
from patter.server.app import Server
from patter.server.drain import Drain

SPEAKS_CHARS_PER_S = 14.0
"""Slower than most voices speak: what they say fits."""
REPLY_S = 2.5
"""What is being said is finished first, the voice needs a moment, and a carrier plays it late."""
THIS_MACHINE = ("127.0.0.0/8", "::1")


@attrs.frozen(kw_only=True)
class ServeOptions:
    """The arguments of one `serve`, checked."""

    agent: Agent
    callbacks: Callbacks
    on_message: MessageHandler | None
    recording: bool
    local_recording: bool
    consent: bool
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


def goodbye_ms(agent: Agent) -> int:
    """How long before its deadline a drain has *agent* say goodbye, so that it is heard whole.

    >>> goodbye_ms(Agent(system_prompt=""))
    7071
    """
    words = agent.spoken(agent.variables).text(UtteranceKind.GOODBYE, "drain")
    return round((REPLY_S + len(words) / SPEAKS_CHARS_PER_S) * 1_000) if words else 0


def drain_of(agent: Agent, drain_s: Any) -> Drain:
    """The drain of *drain_s* seconds. Raises PatterConfigError.

    One that is too short for the goodbye gives it what there is: half of it.
    """
    drain_ms, needs_ms = round(checked.drain(drain_s) * 1_000), goodbye_ms(agent)
    return Drain(drain_ms=drain_ms, goodbye_ms=needs_ms if needs_ms <= drain_ms else drain_ms // 2)
