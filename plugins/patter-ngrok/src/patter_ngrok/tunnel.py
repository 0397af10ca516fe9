"""A public address from ngrok: a domain of yours, or a tunnel that the local agent has or makes.

The agent is somebody else's: what it has is used and left alone, what we had it make is removed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import attrs
from attrs.validators import gt, le

from patter.errors import InputError, PatterConfigError, PatterConnectionError
from patter.providers.health import HealthReport
from patter.providers.tunnel import Tunnel
from patter_ngrok._agent import Agent, agent_at
from patter_ngrok._refusal import late, silent
from patter_ngrok._wire import is_this_machine, leading_to, new_name

CHECK_S = 4.0
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})+")


def _bare(value: str) -> str:
    """A domain alone, in lower case. Raises PatterConfigError."""
    name = value.strip().lower().removeprefix("https://").rstrip("/")
    if value and not _DOMAIN.fullmatch(name):
        raise PatterConfigError(
            f"Ngrok cannot have the hostname {value!r}",
            fix="give your ngrok domain alone: Ngrok(hostname='name.ngrok.app')",
        )
    return name


def _local(value: str) -> str:
    """The root of an API on this machine. Raises InputError."""
    url = value.rstrip("/").removesuffix("/api")
    try:
        parts = urlsplit(url)
        plain = parts.port is not None and not (parts.path or parts.query or parts.fragment)
        local = is_this_machine(parts.hostname or "")
    except ValueError:
        plain = local = False
    if not (plain and local and parts.scheme == "http" and parts.username is None):
        raise InputError(
            "the api of Ngrok is not an address on this machine",
            fix="give where your agent listens: Ngrok(api='http://127.0.0.1:4040')",
        )
    return url


@attrs.frozen
class Ngrok:
    """Which address, and where it is from. Immutable.

    *hostname*: your domain, which an ngrok of yours leads here; it is known at once, and
    nothing is asked. Without, the agent at *api* gives one, within *start_s* seconds.
    Raises PatterConfigError, InputError.
    """

    hosts: ClassVar[tuple[str, ...]] = ("connect.ngrok-agent.com",)

    hostname: str = attrs.field(default="", converter=_bare)
    api: str = attrs.field(default="http://127.0.0.1:4040", converter=_local, kw_only=True)
    start_s: float = attrs.field(
        default=30.0, converter=float, validator=[gt(0), le(600)], kw_only=True
    )

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:
        """Have a way to local *port*; yields its public host.

        Raises AuthenticationError, PatterConnectionError, PatterTimeoutError, ProviderError,
        InputError.
        """
        if self.hostname:
            yield self.hostname
            return
        async with agent_at(self.api) as agent, self._way_to(port, agent) as host:
            yield host

    async def check(self) -> HealthReport:
        """Does the agent answer, and which is it? A domain of yours is taken as it is.

        Raises PatterConnectionError, PatterTimeoutError, ProviderError, InputError.
        """
        if self.hostname:
            return HealthReport(text=f"{self.hostname}, not asked: an ngrok of yours leads it here")
        limit_s = min(self.start_s, CHECK_S)
        try:
            async with asyncio.timeout(limit_s), agent_at(self.api) as agent:
                return HealthReport(text=await agent.described())
        except TimeoutError:
            raise silent(self.api, limit_s) from None

    @asynccontextmanager
    async def _way_to(self, port: int, agent: Agent) -> AsyncIterator[str]:
        async with self._in_time(agent):
            listed = await agent.tunnels()
        if (tunnel := leading_to(port, listed)) is not None:
            yield tunnel.host
            return
        name = new_name(port, {each.name for each in listed})
        try:
            async with self._in_time(agent):
                made = await agent.start(port, name)
            if not made.host:
                raise PatterConnectionError(
                    "ngrok made a tunnel without https", fix="update ngrok: ngrok update"
                )
            yield made.host
        finally:
            await agent.remove(name)

    @asynccontextmanager
    async def _in_time(self, agent: Agent) -> AsyncIterator[None]:
        limit = asyncio.timeout(self.start_s)
        try:
            async with limit:
                yield
        except TimeoutError:
            raise late(self.start_s, connecting=agent.connecting) from None


if TYPE_CHECKING:
    _: type[Tunnel] = Ngrok
