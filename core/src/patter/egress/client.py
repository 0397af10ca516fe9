"""The HTTP client of the egress policy: it connects to the very addresses that were checked.

One a process and policy, in the pool. It follows no redirect, keeps no cookies, uses no proxy.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import attrs
from aiohttp.abc import AbstractResolver, ResolveResult

from patter.client_pool import CONNECT_S, NAMES_S, ClientPool
from patter.egress.addresses import literal
from patter.egress.policy import EgressPolicy
from patter.errors import EgressError
from patter.threads import POOL

Lookup: TypeAlias = Callable[[str, int, socket.AddressFamily], Awaitable[list[Any]]]
"""The rows of ``getaddrinfo`` for a name."""

KEEP_S = 15.0
"""Less than servers keep idle connections: a POST on one that was just closed is not repeated."""

RESOLVE_S = 3.0


async def looked_up(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    """What the system's resolver says, in a thread: it blocks, and its waits are its own."""

    def ask() -> list[Any]:
        return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

    threads = POOL.of(f"resolve {host}")
    async with asyncio.timeout(RESOLVE_S):
        return await asyncio.get_running_loop().run_in_executor(threads, ask)


@attrs.define(eq=False)
class CheckedResolver(AbstractResolver):
    """Resolves names, and refuses those of which any address is refused by *policy*."""

    policy: EgressPolicy
    lookup: Lookup = looked_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses to connect to, and no others. Raises EgressError, OSError."""
        try:
            rows = await self.lookup(host, port, family)
        except TimeoutError:
            raise OSError(f"{host} was not resolved in time") from None
        return [self._checked(host, port, row) for row in rows]

    def _checked(self, host: str, port: int, row: Any) -> ResolveResult:
        number = row[4][0]
        address = literal(str(number))
        if address is None:
            raise EgressError(f"{host} has no address that can be read", fix="check its DNS entry")
        self.policy.check(host, address)
        return ResolveResult(
            hostname=host,
            host=number,
            port=port,
            family=row[0],
            proto=row[2],
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )

    async def close(self) -> None:
        """Nothing is open."""


def egress_client(pool: ClientPool, policy: EgressPolicy) -> aiohttp.ClientSession:
    """The client of *policy*, for HTTP and WebSockets. A refusal is raised as EgressError."""
    return pool.client(("egress", policy), lambda: client_with(CheckedResolver(policy)))


def client_with(resolver: CheckedResolver) -> aiohttp.ClientSession:
    """A client that reaches what *resolver* and its policy allow."""

    async def check(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # An address is not resolved, so it is checked here, as aiohttp itself has read it.
        resolver.policy.check_host(request.url.raw_host or "")
        answer = await send(request)
        if "Location" in answer.headers and 300 <= answer.status < 400:
            answer.close()
            raise aiohttp.ClientError("a redirect is not followed")
        return answer

    return aiohttp.ClientSession(
        middlewares=(check,),
        connector=aiohttp.TCPConnector(
            limit=0,
            resolver=resolver,
            keepalive_timeout=KEEP_S,
            ttl_dns_cache=NAMES_S,
            happy_eyeballs_delay=0.1,
        ),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        # What unpacks to gigabytes is not unpacked: nobody was asked to pack anything.
        auto_decompress=False,
        trust_env=False,
    )
