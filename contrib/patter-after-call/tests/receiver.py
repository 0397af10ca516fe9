"""A receiver of webhooks on this machine, as good or bad as a test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import attrs
import orjson
from aiohttp import web

from patter.egress.signing import SIGNATURE
from patter.tools.webhook import KEY

Reaction: TypeAlias = Callable[[int], Awaitable[int]]
"""Given how many requests have come, the status to answer with."""


async def takes(_: int) -> int:
    return 200


@attrs.define(eq=False)
class Receiver:
    """What came: (key, body, signature) of each request, in order."""

    react: Reaction = takes
    url: str = ""
    got: list[tuple[str, Any, str]] = attrs.field(factory=list)
    raw: list[bytes] = attrs.field(factory=list)

    @property
    def keys(self) -> list[str]:
        return [key for key, _, _ in self.got]

    async def has(self, count: int, within_s: float = 8.0) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(within_s):
            while len(self.got) < count:
                await asyncio.sleep(0.01)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw.append(body)
        signature = request.headers.get(SIGNATURE, "")
        self.got.append((request.headers[KEY], orjson.loads(body), signature))
        return web.Response(status=await self.react(len(self.got)))


@asynccontextmanager
async def receiving(react: Reaction = takes, port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on 127.0.0.1 while inside."""
    receiver = Receiver(react)
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, bound = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{bound}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
