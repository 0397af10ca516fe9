"""A media socket: what is held comes in time and is never lost, and a stream that fails ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, web

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.media_frames import Body
from patter.carriers.media_socket import SocketLeg, media_socket
from patter.clock import LoopClock
from patter.errors import PatterConnectionError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, StreamError
from patter_testing import site
from patter_testing.switchboard import Attached, FakeSwitchboard

WAIT_MS = 60.0


@attrs.define(eq=False)
class Frames:
    """Frames of a carrier whose keys are held for a while."""

    audio: AudioFormat = MULAW_8K
    carrier_call_id: str = "c"
    held: list[tuple[float, Dtmf]] = attrs.field(factory=list)

    def decode(self, body: Body) -> Sequence[LegEvent]:
        match body:
            case {"key": str(digit)}:
                self.held.append((LoopClock().ms() + WAIT_MS, Dtmf(digit)))
            case {"sound": _}:
                return (b"x" * 160,)
            case {"error": str(code)}:
                return (StreamError(code, "words", code == "fatal"),)
            case {"stop": _}:
                return (*self.rest(), Hangup())
        return ()

    def media(self, audio: bytes) -> Sequence[str]:
        return (f'{{"audio":{len(audio)}}}',)

    def mark(self, name: str) -> str:
        return f'{{"mark":"{name}"}}'

    def clear(self) -> str:
        return '{"clear":1}'

    def patience_ms(self) -> float | None:
        return self.held[0][0] - LoopClock().ms() if self.held else None

    def release(self) -> Sequence[LegEvent]:
        now_ms = LoopClock().ms()
        due = [key for due_ms, key in self.held if due_ms <= now_ms]
        self.held = [each for each in self.held if each[0] > now_ms]
        return due

    def rest(self) -> Sequence[LegEvent]:
        keys, self.held = [key for _, key in self.held], []
        return keys


@attrs.define
class Line:
    """One open socket: the carrier's end, the leg on ours, and who was told that it is lost."""

    socket: ClientWebSocketResponse
    attached: Attached
    legs: set[SocketLeg]
    lost: list[SocketLeg]

    async def says(self, **body: str) -> None:
        await self.socket.send_json(body)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    board, legs, lost = FakeSwitchboard(), set[SocketLeg](), list[SocketLeg]()

    async def on_lost(leg: SocketLeg) -> None:
        assert leg.socket.closed, "the carrier would give no other stream"
        lost.append(leg)

    async def serve(request: web.Request) -> web.WebSocketResponse:
        return await media_socket(request, board, lambda _: Frames(), on_lost, legs)

    app = web.Application()
    app.add_routes([web.get("/media/{token}", serve)])
    async with (
        site(app) as url,
        ClientSession() as http,
        http.ws_connect(f"{url}/media/{board.issue('x').token}") as socket,
    ):
        await socket.send_json({})
        attached = await board.next_leg()
        yield Line(socket, attached, legs, lost)
        attached.done()


async def test_a_leg_clears_at_once_until_the_carrier_has_hung_up() -> None:
    async with line() as it:
        leg = it.attached.leg
        assert isinstance(leg, SocketLeg)
        assert leg.clear_now()
        assert await it.socket.receive_json() == {"clear": 1}
        await it.says(stop="1")
        assert [event async for event in leg] == [Hangup()]
        assert not leg.clear_now()
        await leg.close()
        with pytest.raises(PatterConnectionError):
            leg.clear_now()


async def test_what_is_held_comes_when_its_time_is_over_though_nothing_else_does() -> None:
    async with line() as it:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await it.says(key="7")
        assert await anext(aiter(it.attached.leg)) == Dtmf("7")
        assert WAIT_MS / 1_000 <= loop.time() - began < 1


async def test_what_is_held_holds_nothing_else_up() -> None:
    async with line() as it:
        for body in ({"key": "7"}, {"sound": "1"}, {"sound": "2"}):
            await it.says(**body)
        events = aiter(it.attached.leg)
        got = [await anext(events) for _ in range(3)]
        assert got == [b"x" * 160, b"x" * 160, Dtmf("7")]


async def test_a_steady_voice_does_not_keep_what_is_held() -> None:
    async with line() as it, asyncio.TaskGroup() as tasks:

        async def talk() -> None:
            while True:
                await it.says(sound="x")
                await asyncio.sleep(0.01)

        talking = tasks.create_task(talk())
        await it.says(key="7")
        sounds = 0
        async for event in it.attached.leg:
            if event == Dtmf("7"):
                break
            sounds += 1
        talking.cancel()
        assert 2 <= sounds <= 20


@pytest.mark.parametrize("how", ["stop", "close", "cut"])
async def test_what_is_held_when_the_socket_ends_is_not_lost(how: str) -> None:
    async with line() as it:
        await it.says(key="7")
        if how == "stop":
            await it.says(stop="")
        elif how == "close":
            await it.socket.close()
        else:
            it.socket.get_extra_info("socket").shutdown(2)
        events = [event async for event in it.attached.leg]
        assert events == ([Dtmf("7"), Hangup()] if how == "stop" else [Dtmf("7")])


async def test_a_stream_error_is_told_and_only_a_fatal_one_ends_the_stream() -> None:
    async with line() as it:
        for body in ({"error": "1"}, {"sound": "1"}, {"key": "7"}, {"error": "fatal"}):
            await it.says(**body)
        await it.says(sound="never heard")
        events = [event async for event in it.attached.leg]
        assert events == [
            StreamError("1", "words"),
            b"x" * 160,
            StreamError("fatal", "words", True),
            Dtmf("7"),
        ]
        (leg,) = it.legs
        it.attached.done()
        await it.socket.receive()
        async with asyncio.timeout(5):
            while not it.lost:
                await asyncio.sleep(0.005)
        assert it.lost == [leg]
        assert (leg.failed, leg.lost) == (True, True)
        assert not it.legs


async def test_a_leg_that_we_close_gives_nothing_more() -> None:
    async with line() as it:
        await it.says(key="7")
        await asyncio.sleep(0.02)
        closing = asyncio.ensure_future(it.attached.leg.close())
        assert (await it.socket.receive()).data == 1000
        await closing
        assert [event async for event in it.attached.leg] == []
        assert not it.lost
