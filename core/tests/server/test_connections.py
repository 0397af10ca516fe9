"""Connections without a request: a few are waited for, in time, and nobody is kept out by them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from patter.server.connections import Connections

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def listening(connections: Connections) -> AsyncIterator[int]:
    """A port where every request is answered; a connection that is left is an error of the test.

    It closes at once, unlike the server's: who was accepted just then is up to *connections*.
    """

    async def answer(request: web.BaseRequest) -> web.Response:
        connections.request_received(request.protocol)
        return web.Response(text="yes")

    server = web.Server(answer)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(connections.maker(server, lingering_s=0.1), "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    server.pre_shutdown()
    await server.shutdown(1)
    connections.close()


@asynccontextmanager
async def connected(
    port: int, first: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    yield reader, writer
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def is_dropped(reader: asyncio.StreamReader, within_s: float = 5) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await reader.read() == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


async def answered(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(5):
        await reader.readuntil(b"yes")


async def test_of_too_many_silent_connections_the_oldest_goes_first() -> None:
    connections = Connections(most_waiting=2)
    async with listening(connections) as port, contextlib.AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(connected(port)) for _ in range(6)]
        assert await is_dropped(pairs[0][0])
        assert not await is_dropped(pairs[-1][0], within_s=0.1)


async def test_one_address_that_is_silent_makes_room_for_itself_alone() -> None:
    connections = Connections(most_of_one=2)
    async with listening(connections) as port, contextlib.AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        assert await is_dropped(pairs[0][0])


async def test_who_has_been_answered_waits_for_less_than_for_ever() -> None:
    async with (
        listening(Connections(next_s=0.2)) as port,
        connected(port, GET) as (reader, _),
    ):
        await answered(reader)
        assert await is_dropped(reader)


async def test_half_of_a_second_request_is_bounded_from_the_first_answer() -> None:
    async with (
        listening(Connections(next_s=0.4)) as port,
        connected(port, GET) as (reader, writer),
    ):
        await answered(reader)
        for byte in GET[:3]:
            await asyncio.sleep(0.1)
            writer.write(bytes([byte]))
        assert await is_dropped(reader, within_s=0.4)


async def test_answered_connections_make_room_for_a_newcomer() -> None:
    async with listening(Connections(most=3)) as port, contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            reader, _ = await stack.enter_async_context(connected(port, GET))
            await answered(reader)
        reader, _ = await stack.enter_async_context(connected(port, GET))
        await answered(reader)


async def test_what_is_no_http_is_answered_in_short_and_told() -> None:
    told = list[str]()
    async with listening(Connections(on_malformed=told.append)) as port:
        for nonsense in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET\r\n\r\n"):
            async with connected(port, nonsense) as (reader, _):
                async with asyncio.timeout(5):
                    answer = await reader.read()
            assert answer.split()[1] == b"400"
            assert b"Traceback" not in answer
    assert told == ["127.0.0.1"] * 3


async def test_who_was_silent_and_who_comes_later_are_dropped_on_leaving() -> None:
    connections = Connections()
    async with listening(connections) as port, connected(port) as (early, _):
        connections.close()
        assert await is_dropped(early)
        async with connected(port) as (late, _):
            assert await is_dropped(late)


async def test_who_is_accepted_in_the_moment_of_leaving_is_not_left_open() -> None:
    async with listening(Connections()) as port, asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(comes_and_goes(port))
        await asyncio.sleep(0.002)


async def comes_and_goes(port: int) -> None:
    with contextlib.suppress(OSError):
        async with connected(port) as (reader, _):
            await is_dropped(reader)
