"""Plivo keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree

import attrs
import pytest

from patter.aio import task_scope
from patter.providers.carrier import Carrier
from patter.testing.desk import FakeSwitchboard
from patter.testing.doubles.stage import HOST, OURS, THEIRS, until
from patter.testing.doubles.stream import Ended, Stream
from patter.testing.fakes.carrier import FakeLeg
from patter.testing.suites.carrier import Broken, CarrierSuite
from patter_plivo import Plivo
from patter_plivo.double import Company, PlivoDouble, posts
from patter_plivo.double.frames import StreamFrames

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}


@attrs.define(eq=False, kw_only=True)
class Rude(StreamFrames):
    """Frames whose keys may be what Plivo would never say."""

    def digit(self, digit: str) -> str:
        if digit in Broken.__members__:
            return NONSENSE[Broken[digit]]
        return StreamFrames.digit(self, digit)


@attrs.define(eq=False)
class Party:
    """Plivo, and a caller behind it, step by step."""

    company: Company
    tasks: asyncio.TaskGroup
    uuid: str
    stream: Stream | None = None
    _running: asyncio.Task[Ended] | None = None

    @property
    def leg(self) -> FakeLeg:
        assert self.stream is not None
        return self.stream.leg

    async def ring(self) -> str:
        form = {"CallUUID": self.uuid, "From": THEIRS, "To": OURS, "CallStatus": "ringing"}
        webhook = posts.post(f"https://{HOST}/webhooks/plivo/voice", form)
        answer = await self.company.exchange.courier.ask(webhook)
        told = ElementTree.fromstring(answer.body).findtext("Stream")
        if told is None:
            raise ConnectionError(answer.body)
        return told.rpartition("/")[2]

    async def connect(self, token: str) -> None:
        frames = Rude(
            stream_id=self.company.ids.uuid(), call_uuid=self.uuid, account=self.company.account
        )
        self.stream = Stream(FakeLeg(), frames)
        url = self.company.exchange.place.socket(f"wss://{HOST}/media/plivo/{token}")
        running = self.stream.run(self.company.exchange.http, url)
        self._running = self.tasks.create_task(running)
        done, _ = await asyncio.wait({self._running}, timeout=0.1)
        if done:
            raise ConnectionError("the socket was closed at once")

    async def speak(self, audio: bytes) -> None:
        if self.leg.closed:
            raise ConnectionError("the socket is closed")
        self.leg.speak(audio)

    async def heard(self, size: int) -> bytes:
        await until(lambda: len(self.leg.heard()) >= size)
        return self.leg.heard()

    async def cleared(self) -> None:
        await until(lambda: bool(self.leg.clears))

    async def press(self, digit: str) -> None:
        self.leg.press(digit)

    async def hang_up(self) -> None:
        self.leg.hang_up()

    async def drop(self) -> None:
        self.leg.drop()

    async def send_broken(self, how: Broken) -> bool:
        if how in NONSENSE:
            self.leg.press(how.name)
        return how in NONSENSE

    async def closed(self) -> None:
        assert self._running is not None
        await self._running


class TestPlivo(CarrierSuite):
    company: Company

    @pytest.fixture(autouse=True)
    async def double(self) -> AsyncIterator[None]:
        async with PlivoDouble(numbers=(OURS,), public_host=HOST).open() as self.company:
            yield

    @pytest.fixture
    def provider(self, double: None) -> Plivo:
        return self.company.carrier()

    @pytest.fixture
    def desk(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.company.reaches(base_url)
        async with task_scope() as tasks:
            party = Party(self.company, tasks, self.company.ids.uuid())
            try:
                yield party
            finally:
                if party.stream is not None:
                    party.stream.leg.drop()
