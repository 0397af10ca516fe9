"""Plivo keeps what every carrier has to keep, shown through its double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree

import attrs
import pytest

from patter.providers.carrier import Carrier
from patter_plivo import Plivo
from patter_plivo.double import PlivoAccountDouble, PlivoDouble, webhook_forms
from patter_plivo.double.frames import StreamFrames
from patter_testing.doubles.harness import HOST, OURS, THEIRS
from patter_testing.suites.carrier import Broken, CarrierSuite
from patter_testing.suites.party import DoubleParty
from patter_testing.switchboard import FakeSwitchboard

NONSENSE = {
    Broken.NOT_JSON: "{",
    Broken.NOT_AN_OBJECT: "[1]",
    Broken.UNKNOWN: '{"event": "levitate"}',
    Broken.NOT_BASE64: '{"event": "media", "media": {"track": "inbound", "payload": "***"}}',
    Broken.HUGE: '{"event": "media", "media": {"payload": "' + "A" * 10_000_000 + '"}}',
}


@attrs.define(eq=False, kw_only=True)
class Party(DoubleParty):
    """Plivo and a caller behind it."""

    uuid: str

    async def ring(self) -> str:
        form = {"CallUUID": self.uuid, "From": THEIRS, "To": OURS, "CallStatus": "ringing"}
        webhook = webhook_forms.post(f"https://{HOST}/webhooks/plivo/voice", form)
        answer = await self.vendor.runtime.sender.ask(webhook)
        told = ElementTree.fromstring(answer.body).findtext("Stream")
        if told is None:
            raise ConnectionError(answer.body)
        return told.rpartition("/")[2]

    def frames(self) -> StreamFrames:
        return StreamFrames(
            stream_id=self.vendor.ids.uuid(), call_uuid=self.uuid, account=self.vendor.account
        )


class TestPlivo(CarrierSuite):
    vendor: PlivoAccountDouble
    board: FakeSwitchboard

    @pytest.fixture(autouse=True)
    async def double(self, switchboard: FakeSwitchboard) -> AsyncIterator[None]:
        self.board = switchboard
        async with PlivoDouble(numbers=(OURS,), public_host=HOST).open() as self.vendor:
            yield

    @pytest.fixture
    def provider(self, double: None) -> Plivo:
        return self.vendor.carrier()

    @pytest.fixture
    def switchboard(self) -> FakeSwitchboard:
        return FakeSwitchboard(HOST)

    @asynccontextmanager
    async def remote(self, base_url: str, provider: Carrier) -> AsyncIterator[Party]:
        self.vendor.reaches(base_url)
        async with Party.present(
            vendor=self.vendor,
            switchboard=self.board,
            name=provider.name,
            nonsense=NONSENSE,
            uuid=self.vendor.ids.uuid(),
        ) as party:
            yield party
