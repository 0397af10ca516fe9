"""Connections that say nothing: a few are waited for, and nobody's who comes too late."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from patter.server.idle_connections import IdleConnections


@asynccontextmanager
async def listening(connections: IdleConnections) -> AsyncIterator[int]:
    """A port where nobody is answered; every connection left is an error of the test.

    It closes at once, unlike the server's: who was accepted just then is up to *connections*.
    """

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response()

    server = web.Server(answer)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(connections.tracked(server), "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    server.pre_shutdown()
    await server.shutdown(1)
    connections.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader
    writer.close()
    with contextlib.suppress(ConnectionResetError):
        await writer.wait_closed()


async def is_dropped(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(5):
            return await reader.read() == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


async def test_of_too_many_silent_connections_the_oldest_goes_first() -> None:
    async with listening(IdleConnections(most=2)) as port, contextlib.AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(connected(port)) for _ in range(6)]
        assert await is_dropped(readers[0])


async def test_who_was_silent_and_who_comes_later_are_dropped_on_leaving() -> None:
    connections = IdleConnections()
    async with listening(connections) as port, connected(port) as early:
        connections.close()
        assert await is_dropped(early)
        async with connected(port) as late:
            assert await is_dropped(late)


async def test_who_is_accepted_in_the_moment_of_leaving_is_not_left_open() -> None:
    async with listening(IdleConnections()) as port, asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(comes_and_goes(port))
        await asyncio.sleep(0.002)


async def comes_and_goes(port: int) -> None:
    with contextlib.suppress(OSError):
        async with connected(port) as reader:
            await is_dropped(reader)
