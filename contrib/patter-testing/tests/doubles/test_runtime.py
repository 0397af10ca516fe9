"""The plumbing of a double: as many streams as there are calls, and far ends of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.providers.context import Direction
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.runtime import DoubleRuntime, opened
from patter_testing.doubles.stream import Ended, ServerFrame
from patter_testing.doubles.webhook_sender import Webhook
from patter_testing.fakes.carrier import FakeLeg

MANY = 120
"""More than the hundred connections that an HTTP client has by itself."""


class Still:
    """Frames of a stream on which nothing is said."""

    def opening(self) -> Iterable[str]:
        return []

    def audio(self, audio: bytes) -> str:
        return str(audio)

    def digit(self, digit: str) -> str:
        return digit

    def played(self, name: str) -> str:
        return name

    def cleared(self) -> str:
        return ""

    def stop(self) -> str:
        return ""

    def decode(self, text: str) -> ServerFrame | None:
        raise ValueError(text)


class Ear(FakeLeg):
    """Another kind of far end."""


class Nobody:
    async def answered(self, call: DoubleCall, by: object, greeting_ms: float) -> None: ...

    async def refused(self, call: DoubleCall, outcome: object) -> None: ...

    async def hung_up(self, call: DoubleCall) -> None: ...


def unsigned(_: Webhook) -> Mapping[str, str]:
    return {}


def refuse(status: int) -> web.Response:
    return web.Response(status=status)


def call(number: int) -> DoubleCall:
    return DoubleCall(
        call_id=f"call-{number}",
        caller="+15550100001",
        callee="+15550001234",
        direction=Direction.INBOUND,
        operator=Nobody(),
    )


@asynccontextmanager
async def runtime() -> AsyncIterator[DoubleRuntime]:
    """An runtime whose server takes every stream and says nothing."""

    async def media(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    def routes(_: DoubleRuntime) -> list[web.RouteDef]:
        return [web.get("/media", media)]

    async with opened(
        sign=unsigned, refuse=refuse, vendor=lambda each: each, routes=routes, hosts=HostMap()
    ) as found:
        found.hosts.base_url = found.url
        yield found


async def test_a_double_streams_more_calls_than_a_client_has_connections() -> None:
    ends: asyncio.Queue[Ended] = asyncio.Queue(MANY)
    async with runtime() as double, asyncio.timeout(10):
        url = double.hosts.public("/media")
        streams = [
            double.stream(call(number), url, Still(), ends.put_nowait) for number in range(MANY)
        ]
        await asyncio.gather(*(stream.open.wait() for stream in streams))
        for stream in streams:
            stream.stop()
        assert {await ends.get() for _ in streams} == {Ended.CARRIER}


async def test_a_far_end_of_ones_own_takes_the_place_of_the_usual() -> None:
    made: list[str] = []

    def ear(whose: DoubleCall, audio: AudioFormat, clock: Clock) -> FakeLeg:
        made.append(whose.call_id)
        return Ear(audio, clock=clock)

    async with runtime() as double:
        double.legs = ear
        url = double.hosts.public("/media")
        mine = call(1)
        stream = double.stream(mine, url, Still(), lambda _: None)
        assert await mine.up() is stream.leg
    assert isinstance(stream.leg, Ear)
    assert made == ["call-1"]
