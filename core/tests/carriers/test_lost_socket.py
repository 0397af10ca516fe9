"""A media socket tells a connection that was given up from a call that is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession, WSMsgType, web

from patter.audio.formats import MULAW_8K
from patter.carriers.media_socket import SocketLeg, media_socket
from patter.providers.carrier import AbortableLeg, LegEvent


@attrs.frozen
class Frames:
    """A vendor that names its call and sends nothing of interest."""

    audio = MULAW_8K
    carrier_call_id = "CA1"

    def decode(self, body: Any) -> Sequence[LegEvent]:
        return ()

    def media(self, audio: bytes) -> Sequence[str]:
        return ("{}",)

    def mark(self, name: str) -> str:
        return "{}"

    def clear(self) -> str:
        return "{}"


@attrs.define(eq=False)
class Board:
    """Gives each leg to *deed*, and keeps those whose loss was reported."""

    deed: Callable[[SocketLeg], Awaitable[None]]
    lost: list[SocketLeg] = attrs.field(factory=list)
    done: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def attach(self, token: str, leg: SocketLeg, carrier_call_id: str = "") -> None:
        await self.deed(leg)

    async def on_lost(self, leg: SocketLeg) -> None:
        self.lost.append(leg)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        begin: Any = lambda body: Frames()  # noqa: E731
        board: Any = self
        try:
            return await media_socket(request, board, begin, self.on_lost)
        finally:
            self.done.set()


@asynccontextmanager
async def connected(board: Board) -> AsyncIterator[Any]:
    """A vendor's socket that has begun its stream."""
    app = web.Application()
    app.router.add_get("/media/{token}", board.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        url = f"http://127.0.0.1:{port}/media/t"
        async with ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_str("{}")
            yield socket
    finally:
        await runner.cleanup()


async def aborted(leg: SocketLeg) -> None:
    assert isinstance(leg, AbortableLeg)
    try:
        async with asyncio.timeout(0.05):
            async for _ in leg:
                pass
    except TimeoutError:
        await leg.abort()
        await leg.abort()


async def closed(leg: SocketLeg) -> None:
    await leg.close()
    async for _ in leg:
        pass


@pytest.mark.parametrize(("deed", "losses"), [(aborted, 1), (closed, 0)])
async def test_the_carrier_is_asked_for_another_socket_only_if_the_call_goes_on(
    deed: Callable[[SocketLeg], Awaitable[None]], losses: int
) -> None:
    board = Board(deed)
    async with asyncio.timeout(10), connected(board) as socket:
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        await board.done.wait()
    assert len(board.lost) == losses


async def test_a_socket_that_is_given_up_while_it_is_read_ends_lost() -> None:
    async def read_while_aborted(leg: SocketLeg) -> None:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(closed_by_itself(leg))
            await asyncio.sleep(0)
            await leg.abort()
        assert reading.done()

    async def closed_by_itself(leg: SocketLeg) -> None:
        async for _ in leg:
            pass

    board = Board(read_while_aborted)
    async with asyncio.timeout(10), connected(board) as socket:
        assert (await socket.receive()).type is WSMsgType.CLOSE
        await board.done.wait()
    assert len(board.lost) == 1
