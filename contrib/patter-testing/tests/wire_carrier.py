"""A small carrier with a protocol of JSON and base64 over a WebSocket, and its far end.

It stands for the carriers of plugins; its `breaks` set names the rules it is told to break.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import ClassVar

import attrs
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from patter.aio import Mailbox, task_scope
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import PatterError, ProvisionError
from patter.providers.carrier import (
    CarrierCapabilities,
    Dtmf,
    Hangup,
    Incoming,
    LegEvent,
    MarkPlayed,
    Switchboard,
)
from patter_testing.suites.carrier import Broken

SHARED: list[WireLeg] = []
CAN = CarrierCapabilities(marks=True, dtmf_in=True)


@attrs.define(eq=False)
class WireLeg:
    socket: web.WebSocketResponse
    breaks: frozenset[str]
    audio: AudioFormat = MULAW_8K
    events: Mailbox[LegEvent] = attrs.field(factory=lambda: Mailbox(1_000))

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        async for event in self.events:
            yield event

    async def read(self) -> None:
        try:
            async for message in self.socket:
                self.take(message.data)
        finally:
            if "hang at the end" not in self.breaks:
                if "hangup for a lost socket" in self.breaks:
                    self.events.put(Hangup())
                self.events.close()

    def take(self, text: str) -> None:
        try:
            body = json.loads(text)
            if event := self.decode(body):
                self.events.put(event)
        except (ValueError, TypeError, KeyError, binascii.Error):
            if "die of nonsense" in self.breaks:
                raise

    def decode(self, body: dict[str, str]) -> LegEvent | None:
        match body["event"]:
            case "media":
                audio = base64.b64decode(body["payload"], validate=True)
                return audio[::-1] if "scramble the caller" in self.breaks else audio
            case "dtmf":
                return None if "ignore keys" in self.breaks else Dtmf(body["digit"])
            case "mark":
                return MarkPlayed(body["name"])
            case "stop":
                return None if "ignore hangup" in self.breaks else Hangup()
        return None

    async def send(self, audio: bytes) -> None:
        if "lose audio" in self.breaks:
            audio = audio[: len(audio) - len(audio) % 160]
        await self.say({"event": "media", "payload": base64.b64encode(audio).decode()})

    async def mark(self, name: str) -> None:
        if "mark at once" in self.breaks:
            self.events.put(MarkPlayed("one"))
            return
        await self.say({"event": "mark", "name": name})

    async def clear(self) -> None:
        if "ignore clear" not in self.breaks:
            await self.say({"event": "clear"})

    async def close(self) -> None:
        if "never close" not in self.breaks:
            await self.socket.close()

    async def say(self, body: dict[str, str]) -> None:
        if "send to nobody" in self.breaks and self.socket.closed:
            raise RuntimeError("closed")
        if not self.socket.closed:
            await self.socket.send_str(json.dumps(body))


@attrs.frozen(kw_only=True)
class WireCarrier:
    breaks: frozenset[str] = frozenset()
    api_key: str = attrs.field(default="k", repr=False)
    name: str = "wire"
    formats: tuple[AudioFormat, ...] = (MULAW_8K,)
    account: str = ""
    can: CarrierCapabilities = CAN

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[WireLine]:
        if "leave a client" in self.breaks:
            asyncio.get_running_loop().create_task(asyncio.sleep(60), name="forgotten")
        yield WireLine(switchboard, self.breaks, account=self.account)


@attrs.frozen(eq=False)
class WireLine:
    switchboard: Switchboard
    breaks: frozenset[str]
    account: str
    name: str = "wire"
    can: CarrierCapabilities = CAN

    def routes(self) -> Iterable[web.RouteDef]:
        switchboard = self.switchboard

        async def voice(request: web.Request) -> web.Response:
            if "forget the call" in self.breaks:
                return web.json_response({"token": "x"})
            incoming = Incoming(carrier=self.name, carrier_call_id=await request.text())
            try:
                ticket = await switchboard.register(incoming)
            except PatterError:
                status = 200 if "accept when full" in self.breaks else 503
                return web.json_response({"token": "none"}, status=status)
            return web.json_response({"token": ticket.token})

        async def media(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(max_msg_size=1_000_000)
            await socket.prepare(request)
            leg = WireLeg(socket, self.breaks)
            if "share the line" in self.breaks:
                SHARED.append(leg)
                leg = SHARED[0]
            if "leave a task" in self.breaks:
                asyncio.get_running_loop().create_task(asyncio.sleep(60), name="forgotten")
            async with task_scope() as tasks:
                reader = tasks.create_task(leg.read(), name="wire-read")
                try:
                    await switchboard.attach(request.match_info["token"], leg)
                except PatterError:
                    if "ignore a bad token" in self.breaks:
                        await socket.send_str('{"event": "start"}')
                        await asyncio.Event().wait()
                finally:
                    reader.cancel()
                    await socket.close()
            return socket

        place = "/calls" if "stray routes" in self.breaks else "/webhooks/wire/voice"
        return [web.post(place, voice), web.get("/media/wire/{token}", media)]

    async def refuse(self, *_: object) -> str:
        if "pretend" in self.breaks:
            return "done"
        raise ProvisionError("a wire cannot do that", fix="use a telephone company")

    dial = transfer = send_dtmf = start_recording = refuse


@attrs.define(eq=False)
class WireParty:
    """The far end: plays audio in real time and answers marks."""

    COUNT: ClassVar[Iterator[int]] = count(1)

    base_url: str
    http: ClientSession
    socket: ClientWebSocketResponse | None = None
    audio: bytearray = attrs.field(factory=bytearray)
    free_s: float = 0.0
    marks: dict[str, asyncio.TimerHandle] = attrs.field(factory=dict)
    answers: Mailbox[str] = attrs.field(factory=lambda: Mailbox(100))
    news: asyncio.Condition = attrs.field(factory=asyncio.Condition)
    was_cleared: bool = False
    gone: bool = False
    tasks: asyncio.TaskGroup = attrs.field(factory=asyncio.TaskGroup)

    async def ring(self) -> str:
        async with self.http.post(
            f"{self.base_url}/webhooks/wire/voice", data=f"W{next(self.COUNT)}"
        ) as answer:
            if answer.status != 200:
                raise ConnectionError(answer.status)
            return str((await answer.json())["token"])

    async def connect(self, token: str) -> None:
        self.socket = await self.http.ws_connect(f"{self.base_url}/media/wire/{token}")
        reader = self.tasks.create_task(self.read(), name="party-read")
        self.tasks.create_task(self.write(), name="party-write")
        _, waiting = await asyncio.wait({reader}, timeout=0.05)
        if not waiting:
            raise ConnectionError("closed at once")

    async def read(self) -> None:
        assert self.socket is not None
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                async with self.news:
                    self.take(json.loads(message.data))
                    self.news.notify_all()
        async with self.news:
            self.gone = True
            self.answers.close()
            self.news.notify_all()

    async def write(self) -> None:
        async for name in self.answers:
            await self.say({"event": "mark", "name": name})

    def take(self, body: dict[str, str]) -> None:
        loop = asyncio.get_running_loop()
        if body["event"] == "media":
            audio = base64.b64decode(body["payload"])
            self.audio += audio
            self.free_s = max(self.free_s, loop.time()) + len(audio) / 8_000
        elif body["event"] == "mark":
            name = body["name"]
            self.marks[name] = loop.call_at(self.free_s, self.reach, name)
        elif body["event"] == "clear":
            self.was_cleared, self.free_s = True, 0.0
            for name in list(self.marks):
                self.reach(name)

    def reach(self, name: str) -> None:
        self.marks.pop(name).cancel()
        self.answers.put(name)

    async def say(self, body: dict[str, str]) -> None:
        assert self.socket is not None
        if self.socket.closed:
            raise ConnectionError("closed")
        await self.socket.send_str(json.dumps(body))

    async def speak(self, audio: bytes) -> None:
        await self.say({"event": "media", "payload": base64.b64encode(audio).decode()})

    async def heard(self, size: int) -> bytes:
        async with self.news:
            await self.news.wait_for(lambda: len(self.audio) >= size)
        return bytes(self.audio)

    async def cleared(self) -> None:
        async with self.news:
            await self.news.wait_for(lambda: self.was_cleared)

    async def press(self, digit: str) -> None:
        await self.say({"event": "dtmf", "digit": digit})

    async def hang_up(self) -> None:
        await self.say({"event": "stop"})
        await self.drop()

    async def drop(self) -> None:
        assert self.socket is not None
        await self.socket.close()

    async def send_broken(self, how: Broken) -> bool:
        assert self.socket is not None
        frames = {
            Broken.NOT_JSON: "{",
            Broken.NOT_AN_OBJECT: "[1]",
            Broken.UNKNOWN: '{"event": "moo"}',
            Broken.NOT_BASE64: '{"event": "media", "payload": "*"}',
            Broken.HUGE: '{"event": "media", "payload": "' + "A" * 10_000_000 + '"}',
        }
        if how in frames:
            await self.socket.send_str(frames[how])
        return how in frames

    async def closed(self) -> None:
        async with self.news:
            await self.news.wait_for(lambda: self.gone)


@asynccontextmanager
async def party(base_url: str) -> AsyncIterator[WireParty]:
    async with ClientSession() as http, asyncio.TaskGroup() as tasks:
        one = WireParty(base_url, http, tasks=tasks)
        try:
            yield one
        finally:
            one.answers.close()
            for timer in one.marks.values():
                timer.cancel()
            if one.socket is not None:
                await one.socket.close()
