"""The softphone keeps what every carrier has to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from patter.providers.carrier import Carrier
from patter_softphone import Softphone, SoftphoneCall, SoftphoneCarrier
from patter_testing.suites.carrier import Broken, CarrierSuite

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "payload": "***"}',
}


@attrs.define(eq=False)
class Party:
    """A caller at the far end: the headless softphone."""

    url: str
    stack: AsyncExitStack
    _call: SoftphoneCall | None = None

    @property
    def call(self) -> SoftphoneCall:
        assert self._call is not None
        return self._call

    @property
    def socket(self) -> ClientWebSocketResponse:
        return self.call._socket

    async def ring(self) -> str:
        async with (
            ClientSession() as client,
            client.post(f"{self.url}/webhooks/softphone/call", json={}) as answer,
        ):
            said = await answer.json()
        if "error" in said:
            raise ConnectionError(said["error"]["message"])
        return str(said["media_path"]).rpartition("/")[2]

    async def connect(self, token: str) -> None:
        phone = Softphone(url=self.url, sends_silence=False)
        self._call = await self.stack.enter_async_context(phone.call(f"/media/softphone/{token}"))
        await self.socket.send_str("{")
        await self.call.when(lambda: bool(self.call.complaints))

    async def speak(self, audio: bytes) -> None:
        if self.call.over:
            raise ConnectionError("the socket is closed")
        await self.call.say(audio)

    async def heard(self, size: int) -> bytes:
        await self.call.when(lambda: len(self.call.received) >= size)
        return bytes(self.call.received)

    async def cleared(self) -> None:
        await self.call.when(lambda: self.call.clears > 0)

    async def press(self, digit: str) -> None:
        await self.call.press(digit)

    async def hang_up(self) -> None:
        await self.socket.send_json({"event": "hangup"})

    async def drop(self) -> None:
        await self.call.lose()

    async def send_broken(self, how: Broken) -> bool:
        if how is Broken.ODD_BYTES:
            await self.socket.send_bytes(b"\x01")
        elif how is Broken.HUGE:
            await self.socket.send_bytes(bytes(10_000_000))
        else:
            await self.socket.send_str(NONSENSE[how])
        return True

    async def closed(self) -> None:
        await self.call.ended()


class TestSoftphone(CarrierSuite):
    @pytest.fixture
    def provider(self) -> SoftphoneCarrier:
        return SoftphoneCarrier()

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        async with AsyncExitStack() as stack:
            yield Party(base_url, stack)
