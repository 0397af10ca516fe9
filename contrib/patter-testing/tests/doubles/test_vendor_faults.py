"""What a client gets of a vendor that behaves badly, over sockets and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs
import pytest
from aiohttp import ClientSession, WSMsgType, web

from patter_testing.doubles.vendor_double import KEY, Latency, VendorDouble, VendorFaults

WITH_KEY = {"Authorization": f"Bearer {KEY}"}
PIECES = ["one", "two", "three"]
STALL_S = 0.1


@attrs.define(eq=False, kw_only=True)
class Counting(VendorDouble):
    """Sends three pieces, then its farewell."""

    handlers: int = 0
    extra: list[str] = attrs.field(factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/socket", self.socket), web.post("/answer", self.answer)]

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        stream = self.stream(socket, farewell="bye")
        for piece in PIECES:
            await stream.send(piece.encode() if "bytes" in request.query else piece)
        async for message in socket:
            self.extra.append(message.data)
        return socket

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        self.handlers += 1
        stream = self.stream(response, farewell=b"bye")
        try:
            for piece in PIECES:
                await stream.send(piece)
            await stream.end()
            return response
        finally:
            self.handlers -= 1


@asynccontextmanager
async def facing(**faults: object) -> AsyncIterator[tuple[Counting, ClientSession]]:
    double = Counting(faults=VendorFaults(**faults))  # type: ignore[arg-type]
    async with double.running(), ClientSession(double.url, headers=WITH_KEY) as client:
        yield double, client


async def received(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[object]:
    """The next *count* messages, or fewer, if the socket closes."""
    messages: list[object] = []
    while len(messages) < count:
        if (message := await socket.receive()).type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            break
        messages.append(message.data)
    return messages


SOCKETS: list[tuple[dict[str, object], list[object], int | None]] = [
    ({}, [*PIECES], None),
    ({"after": 1, "garbage": "{"}, ["one", "{", "{"], None),
    ({"after": 1, "garbage": b"\x00"}, ["one", b"\x00", b"\x00"], None),
    ({"after": 2, "oversize": 70_000}, ["one", "two", "x" * 70_000], None),
    ({"after": 1, "over": True}, ["one", "bye"], 1000),
    ({"over": True, "close_code": 4001}, ["bye"], 4001),
    ({"after": 2, "close_code": 1011}, ["one", "two"], 1011),
    ({"close_code": 1008}, [], 1008),
]


@pytest.mark.parametrize(("faults", "expected", "code"), SOCKETS, ids=lambda each: str(each)[:40])
async def test_a_socket_goes_wrong_as_asked(
    faults: dict[str, object], expected: list[object], code: int | None
) -> None:
    async with facing(**faults) as (_, client), client.ws_connect("/socket") as socket:
        assert await received(socket, len(expected)) == expected
        if code is not None:
            assert await received(socket, 1) == []
        assert socket.close_code == code


async def test_what_is_oversized_is_as_binary_as_what_it_replaces() -> None:
    async with facing(oversize=9) as (_, client), client.ws_connect("/socket?bytes=1") as socket:
        assert await received(socket, 3) == [bytes(9)] * 3


async def test_a_socket_that_stalls_still_listens_and_can_be_left() -> None:
    async with facing(after=1, stalls=True) as (double, client), asyncio.TaskGroup() as tasks:
        async with client.ws_connect("/socket") as socket:
            assert await received(socket, 1) == ["one"]
            reader = tasks.create_task(received(socket, 1))
            assert not (await asyncio.wait({reader}, timeout=STALL_S))[0]
            await socket.send_str("still there?")
            async with asyncio.timeout(1):
                await socket.close()
        assert double.extra == ["still there?"]


ANSWERS: list[tuple[dict[str, object], bytes]] = [
    ({}, b"onetwothree"),
    ({"after": 2, "garbage": "{"}, b"onetwo{"),
    ({"over": True}, b"bye"),
]


@pytest.mark.parametrize(("faults", "expected"), ANSWERS, ids=str)
async def test_an_answer_goes_wrong_as_asked(faults: dict[str, object], expected: bytes) -> None:
    async with facing(**faults) as (_, client), client.post("/answer") as answer:
        assert await answer.read() == expected


async def test_an_answer_that_breaks_is_not_complete() -> None:
    async with facing(after=1, close_code=1011) as (double, client):
        async with client.post("/answer") as answer:
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        assert double.handlers == 0


async def test_an_answer_that_stalls_is_held_until_its_client_has_gone() -> None:
    async with facing(after=2, stalls=True) as (double, client):
        async with client.post("/answer") as answer:
            got = b""
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    while piece := await answer.content.readany():
                        got += piece
            assert (got, double.handlers) == (b"onetwo", 1)
        async with asyncio.timeout(1):
            while double.handlers:
                await asyncio.sleep(0.01)


async def test_a_trickle_waits_before_each_message() -> None:
    loop = asyncio.get_running_loop()
    async with facing(trickle_ms=30) as (_, client):
        begun = loop.time()
        async with client.post("/answer") as answer:
            await answer.read()
        assert loop.time() - begun >= 0.09


async def test_a_refusal_has_its_header_and_silence_has_nothing() -> None:
    async with (
        facing(status=429, retry_after="7") as (_, client),
        client.get("/socket") as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    async with facing(silent=True) as (double, client):
        with pytest.raises(TimeoutError):
            await client.get("/socket", timeout=aiohttp.ClientTimeout(total=0.5))
        assert [request.path for request in double.requests] == ["/socket"]


async def test_latency_is_log_normal_and_the_same_each_time() -> None:
    drawn = [Latency(100, 300, seed=4).draw_ms() for _ in range(2)]
    assert drawn[0] == drawn[1]
    many = Latency(100, 300)
    ordered = sorted(many.draw_ms() for _ in range(4_000))
    assert ordered[2_000] == pytest.approx(100, rel=0.1)
    assert ordered[3_800] == pytest.approx(300, rel=0.15)
    assert Latency().draw_ms() == 0
