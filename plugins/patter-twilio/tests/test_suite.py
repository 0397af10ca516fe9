"""Twilio keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree

import attrs
import pytest

from patter.providers.carrier import Carrier
from patter_testing.doubles.harness import HOST, OURS, THEIRS
from patter_testing.suites.carrier import Broken, CarrierSuite
from patter_testing.suites.party import DoubleParty
from patter_testing.switchboard import FakeSwitchboard
from patter_twilio import Twilio
from patter_twilio.double import TwilioAccountDouble, TwilioDouble, webhook_forms
from patter_twilio.double.frames import StreamFrames

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}


@attrs.define(eq=False, kw_only=True)
class Party(DoubleParty):
    """Twilio and a caller behind it."""

    sid: str = "CA" + "0" * 32

    async def ring(self) -> str:
        self.sid = self.vendor.ids.new("CA")
        form = {
            "AccountSid": self.vendor.account,
            "CallSid": self.sid,
            "CallStatus": "ringing",
            "From": THEIRS,
            "To": OURS,
        }
        url = f"https://{HOST}/webhooks/twilio/voice"
        answer = await self.vendor.runtime.sender.ask(webhook_forms.post(url, form))
        stream = ElementTree.fromstring(answer.body).find("Connect/Stream")
        if stream is None:
            raise ConnectionError(answer.body)
        return stream.get("url", "").rpartition("/")[2]

    def frames(self) -> StreamFrames:
        return StreamFrames(
            stream_sid=self.vendor.ids.new("MZ"),
            call_sid=self.sid,
            account_sid=self.vendor.account,
        )


class TestTwilio(CarrierSuite):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[TwilioAccountDouble]:
        async with TwilioDouble(numbers=(OURS,)).open() as vendor:
            yield vendor

    @pytest.fixture
    def provider(self, vendor: TwilioAccountDouble) -> Twilio:
        return vendor.carrier()

    @pytest.fixture
    def switchboard(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @pytest.fixture(autouse=True)
    def double(self, vendor: TwilioAccountDouble, switchboard: FakeSwitchboard) -> None:
        self.twilio, self.board = vendor, switchboard

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.twilio.reaches(base_url)
        async with Party.present(
            vendor=self.twilio,
            switchboard=self.board,
            name=provider.name,
            nonsense=NONSENSE,
        ) as party:
            yield party
