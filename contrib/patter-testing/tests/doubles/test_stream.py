"""A stream over a real socket: true playback, marks, cuts, and every way it can end."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import ClientSession, WSMsgType, web

from patter.aio import task_scope
from patter.audio.formats import MULAW_8K
from patter_testing import Caller, site
from patter_testing.doubles.faults import FaultInjector, Faults
from patter_testing.doubles.stream import AskMark, Clear, Ended, Keys, ServerFrame, Stream
from patter_testing.fakes.carrier import FakeLeg


class Plain:
    """Frames as plain as they can be."""

    def opening(self) -> Iterable[str]:
        return ['{"e":"hello"}']

    def audio(self, audio: bytes) -> str:
        return json.dumps({"e": "audio", "p": base64.b64encode(audio).decode()})

    def digit(self, digit: str) -> str:
        return json.dumps({"e": "digit", "d": digit})

    def played(self, name: str) -> str:
        return json.dumps({"e": "played", "n": name})

    def cleared(self) -> str:
        return ""

    def stop(self) -> str:
        return '{"e":"stop"}'

    def decode(self, text: str) -> ServerFrame | None:
        body = json.loads(text)
        match body["e"]:
            case "audio":
                return base64.b64decode(body["p"])
            case "mark":
                return AskMark(body["n"])
            case "clear":
                return Clear()
            case "keys":
                return Keys(body["d"])
        raise ValueError(text)


@attrs.define
class Server:
    """The other side of one stream, by hand."""

    url: str = ""
    said: list[dict[str, str]] = attrs.field(factory=list)
    socket: web.WebSocketResponse | None = None
    close_code: int | None = None
    news: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        self.socket = web.WebSocketResponse()
        await self.socket.prepare(request)
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self.said.append(json.loads(message.data))
                self.news.set()
                self.news = asyncio.Event()
        self.close_code = self.socket.close_code
        return self.socket

    async def tell(self, **body: str) -> None:
        assert self.socket is not None
        await self.socket.send_str(json.dumps(body))

    def frames(self) -> list[bytes]:
        """The caller's frames, silence and all."""
        return [base64.b64decode(each["p"]) for each in self.said if each["e"] == "audio"]

    def heard(self) -> bytes:
        """What the caller has said."""
        return b"".join(self.frames()).replace(MULAW_8K.silence, b"")

    async def until(self, kind: str) -> dict[str, str]:
        while True:
            for each in self.said:
                if each["e"] == kind:
                    return each
            await self.news.wait()


def silent(body: dict[str, str]) -> bool:
    """Is it a frame in which nothing is said?"""
    return body["e"] == "audio" and not base64.b64decode(body["p"]).strip(MULAW_8K.silence)


@asynccontextmanager
async def streaming(
    faults: Faults | None = None, *, paced: bool = True
) -> AsyncIterator[tuple[Server, Stream]]:
    server = Server()
    app = web.Application()
    app.add_routes([web.get("/media", server.media)])
    stream = Stream(FakeLeg(), Plain(), FaultInjector(faults or Faults()), paced=paced)
    async with site(app) as url, ClientSession() as http, task_scope() as tasks:
        tasks.create_task(stream.run(http, f"{url}/media"))
        await server.until("hello")
        yield server, stream
        if stream.ended is None:
            stream.leg.hang_up()


async def audio(server: Server, ms: int) -> None:
    sound = bytes(range(1, 101)) * (ms * 8 // 100)
    await server.tell(e="audio", p=base64.b64encode(sound).decode())


async def test_a_mark_comes_back_when_what_was_before_it_has_been_played() -> None:
    async with streaming() as (server, stream):
        await audio(server, 100)
        await server.tell(e="mark", n="one")
        assert (await server.until("played"))["n"] == "one"
        assert stream.heard_ms == 100


async def test_a_clear_tells_how_much_was_truly_heard_and_answers_marks_at_once() -> None:
    async with streaming() as (server, stream):
        await audio(server, 5_000)
        await server.tell(e="mark", n="late")
        while stream.heard_ms < 40:
            await asyncio.sleep(0.005)
        await server.tell(e="clear")
        await server.until("played")
        assert 40 <= stream.cuts[0].heard_ms < 1_000
        assert abs(stream.heard_ms - stream.cuts[0].heard_ms) < 2


async def test_the_callers_audio_and_keys_arrive_and_hanging_up_sends_stop() -> None:
    async with streaming() as (server, stream):
        stream.leg.speak(b"\x11" * 160)
        stream.leg.press("7")
        stream.leg.hang_up()
        await server.until("stop")
        kinds = [each["e"] for each in server.said if not silent(each)]
        assert kinds == ["hello", "audio", "digit", "stop"]
        assert server.heard() == b"\x11" * 160
        assert (await server.until("digit"))["d"] == "7"
    assert stream.ended is Ended.CALLER


@pytest.mark.parametrize("size", [80, 160, 200, 1_600])
async def test_a_caller_is_sent_in_whole_frames_of_20_ms_and_silence_between(size: int) -> None:
    async with streaming() as (server, stream):
        await server.until("audio")
        stream.leg.speak(b"\x11" * size)
        while len(server.heard()) < size:
            await server.news.wait()
        before = len(server.frames())
        while len(server.frames()) < before + 2:
            await server.news.wait()
        assert {len(each) for each in server.frames()} == {160}
        assert server.frames()[0] == server.frames()[-1] == MULAW_8K.silence * 160
        assert server.heard() == b"\x11" * size


async def test_a_long_sentence_takes_its_time_and_nothing_that_is_played_waits_for_it() -> None:
    async with streaming() as (server, stream):
        began = asyncio.get_running_loop().time()
        stream.leg.speak(b"\x11" * 4_000)
        await audio(server, 20)
        await server.tell(e="mark", n="soon")
        await server.until("played")
        assert len(server.heard()) < 4_000
        while len(server.heard()) < 4_000:
            await server.news.wait()
        assert asyncio.get_running_loop().time() - began >= 0.46


async def test_a_key_is_pressed_after_the_words_before_it_and_else_at_once() -> None:
    async with streaming() as (server, stream):
        stream.leg.speak(b"\x11" * 800)
        stream.leg.press("1")
        await server.until("digit")
        assert server.heard() == b"\x11" * 800


async def test_late_frames_keep_their_order_and_their_number() -> None:
    async with streaming(Faults(jitter_ms=60)) as (server, stream):
        said = b"".join(bytes([number]) * 160 for number in range(1, 21))
        stream.leg.speak(said)
        while len(server.heard()) < len(said):
            await server.news.wait()
        assert server.heard() == said


async def test_a_caller_who_is_not_paced_is_sent_as_they_speak_and_nothing_between() -> None:
    async with streaming(paced=False) as (server, stream):
        stream.leg.speak(b"\x11" * 4_000)
        stream.leg.press("1")
        await server.until("digit")
        assert server.frames() == [b"\x11" * 4_000]


@pytest.mark.parametrize("paced", [True, False])
async def test_a_scripted_caller_is_heard_word_for_word(paced: bool) -> None:
    async with streaming(paced=paced) as (server, stream):
        caller = Caller(stream.leg, voice=lambda text: text.encode() * 100)
        await caller.says("hello")
        assert server.heard() == b"hello" * 100
        assert stream.leg.now_ms >= 550


async def test_keys_the_server_presses_are_kept() -> None:
    async with streaming() as (server, stream):
        await server.tell(e="keys", d="12")
        await server.tell(e="mark", n="x")
        await server.until("played")
        assert stream.keys == "12"


async def test_a_dropped_socket_ends_without_a_word() -> None:
    async with streaming() as (server, stream):
        stream.leg.drop()
    assert stream.ended is Ended.DROPPED
    assert server.close_code == 1006
    assert "stop" not in [each["e"] for each in server.said]


async def test_fate_breaks_a_socket() -> None:
    async with streaming(Faults(dropped=1, dropped_ms=30)) as (_, stream):
        while stream.ended is None:
            await asyncio.sleep(0.005)
    assert stream.ended is Ended.DROPPED


async def test_the_server_closes_and_that_is_told() -> None:
    async with streaming() as (server, stream):
        assert server.socket is not None
        await server.socket.close()
        while stream.ended is None:
            await asyncio.sleep(0.005)
    assert stream.ended is Ended.SERVER
    assert stream.leg.closed


async def test_the_carrier_stops_a_stream_in_good_order() -> None:
    async with streaming() as (server, stream):
        stream.stop()
        await server.until("stop")
    assert stream.ended is Ended.CARRIER


async def test_nonsense_is_kept_and_harms_nothing() -> None:
    async with streaming() as (server, stream):
        assert server.socket is not None
        await server.socket.send_str("{")
        await server.socket.send_bytes(b"x")
        await audio(server, 20)
        await server.tell(e="mark", n="on")
        await server.until("played")
        assert len(stream.malformed) == 2


async def test_nobody_there_is_a_refusal() -> None:
    stream = Stream(FakeLeg(MULAW_8K), Plain())
    async with ClientSession() as http:
        assert await stream.run(http, "http://127.0.0.1:9/media") is Ended.REFUSED
    assert stream.leg.closed
