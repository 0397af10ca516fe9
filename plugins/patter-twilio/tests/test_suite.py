"""Twilio keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree

import attrs
import pytest

from patter.aio import task_scope
from patter.audio.formats import MULAW_8K
from patter.providers.carrier import Carrier
from patter.testing.desk import FakeSwitchboard
from patter.testing.doubles.stage import HOST, OURS, THEIRS
from patter.testing.doubles.stream import Ended, Stream
from patter.testing.fakes.carrier import FakeLeg
from patter.testing.suites.carrier import Broken, CarrierSuite
from patter_twilio import Twilio
from patter_twilio.double import Company, TwilioDouble, posts
from patter_twilio.double.frames import StreamFrames

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}


@attrs.define(eq=False)
class Raw:
    """Frames of a stream that can also say what Twilio never would."""

    frames: StreamFrames
    text: str = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.frames, name)

    def digit(self, digit: str) -> str:
        return NONSENSE[Broken[digit]] if digit in Broken.__members__ else self.frames.digit(digit)


@attrs.define(eq=False)
class Party:
    """Twilio and a caller behind it, one step at a time."""

    company: Company
    tasks: asyncio.TaskGroup
    media_url: str = ""
    sid: str = ""
    stream: Stream | None = None
    how: asyncio.Task[Ended] | None = None

    @property
    def leg(self) -> FakeLeg:
        assert self.stream is not None
        return self.stream.leg

    async def ring(self) -> str:
        self.sid = self.company.sids.new("CA")
        form = {
            "AccountSid": self.company.account,
            "CallSid": self.sid,
            "CallStatus": "ringing",
            "From": THEIRS,
            "To": OURS,
        }
        url = f"https://{HOST}/webhooks/twilio/voice"
        answer = await self.company.exchange.courier.ask(posts.post(url, form))
        stream = ElementTree.fromstring(answer.body).find("Connect/Stream")
        if stream is None:
            raise ConnectionError(answer.body)
        self.media_url = stream.get("url", "")
        return self.media_url.rpartition("/")[2]

    async def connect(self, token: str) -> None:
        frames = StreamFrames(
            stream_sid=self.company.sids.new("MZ"),
            call_sid=self.sid or "CA" + "0" * 32,
            account_sid=self.company.account,
        )
        self.stream = Stream(FakeLeg(MULAW_8K), Raw(frames))  # type: ignore[arg-type]
        url = self.company.exchange.place.socket(f"wss://{HOST}/media/twilio/{token}")
        self.how = self.tasks.create_task(self.stream.run(self.company.exchange.http, url))
        done, _ = await asyncio.wait({self.how}, timeout=0.1)
        if done:
            raise ConnectionError("closed at once")

    async def speak(self, audio: bytes) -> None:
        if self.leg.closed:
            raise ConnectionError("closed")
        self.leg.speak(audio)

    async def heard(self, size: int) -> bytes:
        while len(self.leg.heard()) < size:
            await asyncio.sleep(0.005)
        return self.leg.heard()

    async def cleared(self) -> None:
        while not self.leg.clears:
            await asyncio.sleep(0.001)

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
        assert self.how is not None
        await self.how


class TestTwilio(CarrierSuite):
    @pytest.fixture
    async def company(self) -> AsyncIterator[Company]:
        async with TwilioDouble(numbers=(OURS,)).open() as company:
            yield company

    @pytest.fixture
    def provider(self, company: Company) -> Twilio:
        return company.carrier()

    @pytest.fixture
    def desk(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @pytest.fixture(autouse=True)
    def double(self, company: Company) -> None:
        self.twilio = company

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.twilio.reaches(base_url)
        async with task_scope() as tasks:
            party = Party(self.twilio, tasks)
            try:
                yield party
            finally:
                if party.stream is not None:
                    party.stream.leg.drop()
