"""A port is left without leaving anybody unanswered who was accepted just then."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from patter.server.listening import listening


async def test_who_is_accepted_in_the_moment_of_leaving_is_answered_or_dropped() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response()

    server = web.Server(answer)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        async with listening(server, "127.0.0.1", 0) as port:
            for _ in range(20):
                tasks.create_task(comes_and_goes(port))
            await asyncio.sleep(0.002)
        server.pre_shutdown()
        await server.shutdown(1)


async def comes_and_goes(port: int) -> None:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.read()
        writer.close()
        await writer.wait_closed()
