"""Telnyx keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest

from patter.providers.carrier import Carrier
from patter_telnyx import Telnyx
from patter_telnyx.double import TelnyxAccountDouble, TelnyxDouble
from patter_telnyx.double.frames import StreamFrames
from patter_testing.doubles.harness import HOST, OURS, until
from patter_testing.suites.carrier import Broken, CarrierSuite
from patter_testing.suites.party import DoubleParty
from patter_testing.switchboard import FakeSwitchboard, serving

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}
HALF = '{"event": "media", "media": {"track": "inbound", "payload": "AQID"}}'


@attrs.define(eq=False, kw_only=True)
class Party(DoubleParty):
    """Telnyx and a caller behind it."""

    call_id: str = "v3:nobody"

    async def ring(self) -> str:
        call = self.vendor.rings()
        self.call_id = call.call_id
        line = self.vendor.lines[call.call_id]
        await until(lambda: bool(line.streaming) or call.over)
        if call.over:
            raise ConnectionError("refused")
        return str(line.streaming["stream_url"]).rpartition("/")[2]

    def frames(self) -> StreamFrames:
        return StreamFrames(
            stream_id=self.vendor.new_id("stream"),
            call_control_id=self.call_id,
            audio_format=self.audio,
        )


class TestTelnyx(CarrierSuite):
    settings: dict[str, str] = {}
    double: TelnyxAccountDouble
    board: FakeSwitchboard

    @pytest.fixture
    async def vendor(self) -> AsyncIterator[TelnyxAccountDouble]:
        async with TelnyxDouble(numbers=(OURS,), connects=False).open() as vendor:
            yield vendor

    @pytest.fixture
    def provider(self, vendor: TelnyxAccountDouble) -> Telnyx:
        return vendor.carrier(**self.settings)

    @pytest.fixture
    def switchboard(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @pytest.fixture
    async def base_url(self, provider: Telnyx, switchboard: FakeSwitchboard) -> AsyncIterator[str]:
        """As after some first calls: the connections to and from Telnyx are there already."""
        async with serving(provider, switchboard) as url:
            self.double.reaches(url)
            calls = [self.double.rings() for _ in range(8)]
            lines = [self.double.lines[call.call_id] for call in calls]
            await until(lambda: all(line.streaming for line in lines))
            sent = self.double.runtime.sender.answers
            await until(lambda: len(sent) >= 3 * len(calls))
            switchboard.rung.clear()
            yield url

    @pytest.fixture(autouse=True)
    def behind(self, vendor: TelnyxAccountDouble, switchboard: FakeSwitchboard) -> None:
        self.double, self.board = vendor, switchboard

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.double.reaches(base_url)
        audio = provider.formats[0]
        halves = {Broken.ODD_BYTES: HALF} if audio.sample_bytes == 2 else {}
        try:
            async with Party.present(
                vendor=self.double,
                switchboard=self.board,
                name=provider.name,
                nonsense=NONSENSE | halves,
                audio=audio,
            ) as party:
                yield party
        finally:
            sent = self.double.runtime.sender.answers
            rung = len(self.double.lines)
            await until(lambda: sum(b"call.initiated" in h.body for h, _ in sent) >= rung)


class TestWideTelnyx(TestTelnyx):
    settings = {"codec": "L16"}
