"""Clients of vendors' APIs, shared by all calls of a process: made once, warm, closed at the end.

A call that makes a client, or a TLS context, holds up every other call for tens of milliseconds,
and pays a handshake of its own. So clients belong to the event loop::

    async with client_pool() as pool:
        async with pool.http.post(url, json=body) as response: ...
        client = pool.client(("openai", base_url, key), lambda: AsyncOpenAI(...))

What is in the pool is open for as long as anybody is inside `client_pool`. `serve` is, from its
start to its end; alone, in a script or a test, the last one out closes it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import attrs

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
log = logging.getLogger("patter.client_pool")

CONNECT_S = 4.0
"""A caller hears an attempt to connect as silence; it may be tried again."""

KEEP_S = 90.0
"""An idle connection is kept for longer than a caller thinks, and less than vendors do."""

NAMES_S = 60
"""How long the address of a host is remembered."""

CLOSE_S = 2.0


@attrs.define(eq=False)
class ClientPool:
    """The clients of one event loop."""

    _clients: dict[Hashable, Any] = attrs.field(factory=dict, init=False)
    _users: int = attrs.field(default=0, init=False)

    @property
    def http(self) -> aiohttp.ClientSession:
        """The HTTP and WebSocket client of every vendor that is spoken to without an SDK.

        It keeps no cookies, follows no redirect, bounds connecting (`CONNECT_S`) and nothing else:
        say how long an answer may take in each request. An error status is not raised.
        """
        return self.client(ClientPool, _http)

    def client(self, key: Hashable, make: Callable[[], T]) -> T:
        """The client under *key*, which is made when nobody has asked for it before.

        *key* is everything that *make* depends on: addresses, keys, the vendor. It is closed with
        the pool, by its ``close`` or ``aclose``.
        """
        if key not in self._clients:
            self._clients[key] = make()
        return cast(T, self._clients[key])

    async def _close(self) -> None:
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await _closed(client)
            except Exception:
                log.exception("%s could not be closed", type(client).__name__)


_POOLS: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientPool] = WeakKeyDictionary()


@asynccontextmanager
async def client_pool() -> AsyncIterator[ClientPool]:
    """The pool of this event loop, open while inside."""
    loop = asyncio.get_running_loop()
    pool = _POOLS.setdefault(loop, ClientPool())
    pool._users += 1
    try:
        yield pool
    finally:
        pool._users -= 1
        if not pool._users:
            await pool._close()


def _http() -> aiohttp.ClientSession:
    import aiohttp
    import orjson

    async def refuse_redirect(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        answer = await send(request)
        if "Location" in answer.headers and 300 <= answer.status < 400:
            # Of the headers with keys aiohttp leaves out one when it follows to another host.
            answer.close()
            raise aiohttp.ClientError("a redirect is not followed")
        return answer

    return aiohttp.ClientSession(
        middlewares=(refuse_redirect,),
        # Calls are bounded where they are admitted: one that waits for a connection is silent.
        connector=aiohttp.TCPConnector(
            limit=0, keepalive_timeout=KEEP_S, ttl_dns_cache=NAMES_S, happy_eyeballs_delay=0.1
        ),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize=lambda value: orjson.dumps(value).decode(),
    )


async def _closed(client: Any) -> None:
    close = getattr(client, "aclose", None) or client.close
    result = close()
    if inspect.isawaitable(result):
        await result
