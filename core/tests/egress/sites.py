"""Services of an application on 127.0.0.1, of every kind there is: also the bad ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from patter.egress.policy import EgressPolicy

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
HERE = EgressPolicy.of(allow_loopback=True)


@attrs.define
class Site:
    """A running service; *requests* has the headers and the body of each that came."""

    url: str
    port: int
    requests: list[tuple[dict[str, str], bytes]] = attrs.field(factory=list)


@asynccontextmanager
async def site(answer: Answer, port: int = 0) -> AsyncIterator[Site]:
    """Answer every request with *answer* while inside."""
    made = Site("", 0)

    async def take(request: web.Request) -> web.StreamResponse:
        body = b"" if request.headers.get("Upgrade") else await request.read()
        made.requests.append((dict(request.headers), body))
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", port)
    await listener.start()
    try:
        server: Any = listener._server
        made.port = server.sockets[0].getsockname()[1]
        made.url = f"http://127.0.0.1:{made.port}/"
        yield made
    finally:
        await runner.cleanup()
