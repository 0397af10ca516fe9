"""A Twilio-like carrier: JSON text frames with base64 mu-law, marks and clear.

One decode a frame in, one encode a frame out, no queue and no task of its own.
"""

from __future__ import annotations

import binascii
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs
import orjson
from aiohttp import WSMsgType, web

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import ProvisionError, WebhookVerificationError
from patter.providers.carrier import (
    Carrier,
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    Hangup,
    Incoming,
    LegEvent,
    MarkPlayed,
    MediaLeg,
    NumberSettings,
    Switchboard,
    TransferRequest,
)

CAN: Final = CarrierCapabilities(marks=True, lead_ms=300, latency_ms=200)


@attrs.define(eq=False)
class BenchLeg:
    """One call's media socket."""

    socket: web.WebSocketResponse[Any]
    stream: str
    audio: AudioFormat = MULAW_8K

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        loads, decode = orjson.loads, binascii.a2b_base64
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                return
            body = loads(message.data)
            event = body["event"]
            if event == "media":
                yield decode(body["media"]["payload"])
            elif event == "mark":
                yield MarkPlayed(body["mark"]["name"])
            elif event == "stop":
                yield Hangup("stop")
                return

    async def send(self, audio: bytes) -> None:
        payload = binascii.b2a_base64(audio, newline=False).decode()
        await self.socket.send_str(
            f'{{"event":"media","streamSid":"{self.stream}","media":{{"payload":"{payload}"}}}}'
        )

    async def mark(self, name: str) -> None:
        mark = {"event": "mark", "streamSid": self.stream, "mark": {"name": name}}
        await self.socket.send_str(orjson.dumps(mark).decode())

    async def clear(self) -> None:
        await self.socket.send_str(f'{{"event":"clear","streamSid":"{self.stream}"}}')

    async def close(self) -> None:
        await self.socket.close()


@attrs.frozen
class BenchCarrier:
    """Brings calls in."""

    name: str = "bench"
    account: str = ""
    formats: tuple[AudioFormat, ...] = (MULAW_8K,)
    can: CarrierCapabilities = CAN

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[BenchLine]:
        yield BenchLine(switchboard)


@attrs.frozen(eq=False)
class BenchLine:
    """What the bench's callers call."""

    switchboard: Switchboard
    name: str = "bench"
    account: str = ""
    can: CarrierCapabilities = CAN

    def routes(self) -> Iterable[web.RouteDef]:
        switchboard = self.switchboard

        async def ring(request: web.Request) -> web.Response:
            call_id = orjson.loads(await request.read())["call_id"]
            ticket = await switchboard.register(Incoming(carrier="bench", carrier_call_id=call_id))
            body = orjson.dumps({"media_url": ticket.media_url})
            return web.Response(body=body, content_type="application/json")

        async def media(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(compress=False, max_msg_size=65_536, decode_text=False)
            await socket.prepare(request)
            try:
                await switchboard.attach(request.match_info["token"], await _begun(socket))
            finally:
                await socket.close()
            return socket

        return [
            web.post("/webhooks/bench/call", ring),
            web.get("/media/bench/{token}", media),
        ]

    async def dial(self, request: DialRequest) -> str:
        _cannot()

    async def configure(self, number: str) -> None:
        _cannot()

    async def look_up(self, number: str) -> NumberSettings:
        _cannot()

    async def hangup(self, carrier_call_id: str) -> None:
        """The media socket closes; there is no more to this line."""

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        _cannot()

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        _cannot()

    async def start_recording(self, carrier_call_id: str) -> None:
        _cannot()

    async def price(self, carrier_call_id: str) -> float | None:
        return None


async def _begun(socket: web.WebSocketResponse[Any]) -> BenchLeg:
    """The leg, once the carrier said which stream it is."""
    async for message in socket:
        body = orjson.loads(message.data)
        if body["event"] == "start":
            return BenchLeg(socket, body["streamSid"])
    raise WebhookVerificationError("the stream did not start", fix="send start first")


def _cannot() -> NoReturn:
    raise ProvisionError("a benchmark's line only takes calls", fix="use a real carrier")


if TYPE_CHECKING:
    _carrier: type[Carrier] = BenchCarrier
    _line: type[CarrierLine] = BenchLine
    _leg: type[MediaLeg] = BenchLeg
