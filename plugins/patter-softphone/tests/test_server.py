"""The carrier behind the real server: one holder a token, one call across two sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from patter.observe.summary import CallSummary
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MediaLeg
from patter.providers.context import CallContext
from patter.server.app import Server
from patter_softphone import Softphone, SoftphoneCarrier


class EchoCall:
    """A session that says back what it hears and ends when the caller hangs up."""

    def __init__(self, call: CallContext) -> None:
        self.call = call
        self.events: list[LegEvent] = []
        self._over = asyncio.Event()

    async def run(self) -> CallSummary:
        await self._over.wait()
        return CallSummary(call_id=self.call.call_id, outcome="completed")

    async def attach(self, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, bytes):
                await leg.send(event)
                continue
            self.events.append(event)
            if isinstance(event, Hangup):
                self._over.set()
                return

    def post(self, cue: Any) -> None:
        self._over.set()

    def now_ms(self) -> int:
        return 0


async def test_a_token_has_one_holder_survives_a_lost_socket_and_dies_with_its_call() -> None:
    calls: list[EchoCall] = []

    def start(call: CallContext) -> EchoCall:
        calls.append(EchoCall(call))
        return calls[-1]

    server = Server(port=0, stall_ms=0, freeze_gc=False)
    async with server.open(start, carriers=[SoftphoneCarrier()]) as serving:
        phone = Softphone(url=serving.url)
        async with phone.call() as call:
            await call.say(b"\x20" * 320)
            second = await _refused(serving.url + call.media_path)
            with pytest.raises(WSServerHandshakeError, match="403"):
                await _refused(serving.url + call.media_path[:-1] + "!")
            await call.lose()
        async with phone.call(call.media_path) as again:
            await again.press("4")
            await again.hang_up("enough")
        used = await _refused(serving.url + call.media_path)
    assert [code for code, _ in (second, used)] == [4401, 4401]
    assert "held by another socket" in second[1]
    assert "is over" in used[1]
    (only,) = calls
    assert only.call.carrier == "softphone"
    assert only.events == [Dtmf("4"), Hangup("enough")]
    assert again.close_code == 1000


async def _refused(url: str) -> tuple[int, str]:
    """The close code and reason a media socket gets."""
    async with ClientSession() as client, client.ws_connect(url) as socket:
        message = await socket.receive()
        return int(message.data), str(message.extra)
