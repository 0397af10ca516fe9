"""Telnyx keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.providers.carrier import Carrier
from patter.testing.desk import FakeSwitchboard, serving
from patter.testing.doubles.stage import HOST, OURS, until
from patter.testing.doubles.stream import Ended, Stream
from patter.testing.fakes.carrier import FakeLeg
from patter.testing.suites.carrier import Broken, CarrierSuite
from patter_telnyx import Telnyx
from patter_telnyx.double import Company, TelnyxDouble
from patter_telnyx.double.frames import StreamFrames

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}
HALF = '{"event": "media", "media": {"track": "inbound", "payload": "AQID"}}'


@attrs.define(eq=False)
class Raw:
    """Frames of a stream that can also say what Telnyx never would."""

    frames: StreamFrames

    def __getattr__(self, name: str) -> object:
        return getattr(self.frames, name)

    def digit(self, digit: str) -> str:
        if digit == Broken.ODD_BYTES.name:
            return HALF
        return NONSENSE[Broken[digit]] if digit in Broken.__members__ else self.frames.digit(digit)


@attrs.define(eq=False)
class Party:
    """Telnyx and a caller behind it, one step at a time."""

    company: Company
    desk: FakeSwitchboard
    tasks: asyncio.TaskGroup
    audio: AudioFormat
    call_id: str = "v3:nobody"
    stream: Stream | None = None
    how: asyncio.Task[Ended] | None = None

    @property
    def leg(self) -> FakeLeg:
        assert self.stream is not None
        return self.stream.leg

    async def ring(self) -> str:
        call = self.company.rings()
        self.call_id = call.call_id
        line = self.company.lines[call.call_id]
        await until(lambda: bool(line.streaming) or call.over)
        if call.over:
            raise ConnectionError("refused")
        return str(line.streaming["stream_url"]).rpartition("/")[2]

    async def connect(self, token: str) -> None:
        frames = StreamFrames(
            stream_id=self.company.new_id("stream"),
            call_control_id=self.call_id,
            audio_format=self.audio,
        )
        self.stream = Stream(FakeLeg(self.audio), Raw(frames))  # type: ignore[arg-type]
        url = self.company.exchange.place.socket(f"wss://{HOST}/media/telnyx/{token}")
        refusals, held = self.desk.refusals, len(self.desk._held)
        self.how = self.tasks.create_task(self.stream.run(self.company.exchange.http, url))
        await until(lambda: self.desk.refusals > refusals or len(self.desk._held) > held)
        if self.desk.refusals > refusals:
            await self.how
            raise ConnectionError("refused")

    async def speak(self, audio: bytes) -> None:
        if self.leg.closed:
            raise ConnectionError("closed")
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
        wide = self.leg.audio.sample_bytes == 2
        possible = how in NONSENSE or (how is Broken.ODD_BYTES and wide)
        if possible:
            self.leg.press(how.name)
        return possible

    async def closed(self) -> None:
        assert self.how is not None
        await self.how


class TestTelnyx(CarrierSuite):
    settings: dict[str, str] = {}
    double: Company
    board: FakeSwitchboard

    @pytest.fixture
    async def company(self) -> AsyncIterator[Company]:
        async with TelnyxDouble(numbers=(OURS,), connects=False).open() as company:
            yield company

    @pytest.fixture
    def provider(self, company: Company) -> Telnyx:
        return company.carrier(**self.settings)

    @pytest.fixture
    def desk(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @pytest.fixture
    async def base_url(self, provider: Telnyx, desk: FakeSwitchboard) -> AsyncIterator[str]:
        """As after some first calls: the connections to and from Telnyx are there already."""
        async with serving(provider, desk) as url:
            self.double.reaches(url)
            calls = [self.double.rings() for _ in range(8)]
            lines = [self.double.lines[call.call_id] for call in calls]
            await until(lambda: all(line.streaming for line in lines))
            sent = self.double.exchange.courier.answers
            await until(lambda: len(sent) >= 3 * len(calls))
            desk.rung.clear()
            yield url

    @pytest.fixture(autouse=True)
    def behind(self, company: Company, desk: FakeSwitchboard) -> None:
        self.double, self.board = company, desk

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.double.reaches(base_url)
        async with task_scope() as tasks:
            party = Party(self.double, self.board, tasks, provider.formats[0])
            try:
                yield party
            finally:
                if party.stream is not None:
                    party.stream.leg.drop()
                sent = self.double.exchange.courier.answers
                rung = len(self.double.lines)
                await until(lambda: sum(b"call.initiated" in h.body for h, _ in sent) >= rung)


class TestWideTelnyx(TestTelnyx):
    settings = {"codec": "L16"}
