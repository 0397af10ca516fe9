"""A Plivo account on trial: its double, its line, and a switchboard that notes everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter.providers.carrier import CarrierCall, DialRequest
from patter.testing.desk import Attached, FakeSwitchboard, serving_line
from patter.testing.doubles.call import DoubleCall
from patter.testing.doubles.faults import Faults
from patter_plivo import Plivo
from patter_plivo.double import Company, PlivoDouble
from patter_plivo.line import PlivoLine

HOST = "phone.example.com"
OURS = "+15550001234"
THEIRS = "+15550100001"
HUMAN = "+15550100200"


@attrs.define
class Stage:
    """Everything at hand."""

    company: Company
    desk: FakeSwitchboard
    line: PlivoLine
    url: str

    async def inbound(self, **options: Any) -> tuple[DoubleCall, Attached]:
        """A call that came in and is up."""
        call = self.company.rings(**options)
        await call.up()
        return call, await self.next_leg()

    async def outbound(self, **options: Any) -> DoubleCall:
        """A call that we placed and that rings."""
        ticket = self.desk.issue("plivo")
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, **options
        )
        uuid = await self.line.dial(request)
        self.desk.knows(self.named(uuid), ticket)
        call = await self.company.dialled()
        assert call.call_id == uuid
        return call

    async def next_leg(self) -> Attached:
        async with asyncio.timeout(5):
            return await self.desk.next_leg()

    def named(self, uuid: str) -> CarrierCall:
        return CarrierCall("plivo", uuid, self.company.account)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over real sockets."""
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(
    faults: Faults | None = None, double: PlivoDouble | None = None, **options: Any
) -> AsyncIterator[Stage]:
    desk = FakeSwitchboard(HOST)
    double = double or PlivoDouble(faults=faults or Faults(), numbers=(OURS,))
    async with double.open() as company:
        settings: Plivo = company.carrier(**options)
        async with settings.open(desk) as line, serving_line(line) as url:
            company.reaches(url)
            yield Stage(company, desk, line, url)
