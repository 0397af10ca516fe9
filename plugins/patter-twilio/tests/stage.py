"""A Twilio account on trial: its double, its line, and a switchboard that notes everything."""

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
from patter_twilio import Twilio
from patter_twilio.double import Company, TwilioDouble
from patter_twilio.line import TwilioLine

HOST = "phone.example.com"
OURS = "+15550001234"
THEIRS = "+15550100001"
HUMAN = "+15550100200"


@attrs.define
class Stage:
    """Everything at hand."""

    company: Company
    desk: FakeSwitchboard
    line: TwilioLine
    url: str

    async def inbound(self, **options: Any) -> tuple[DoubleCall, Attached]:
        """A call that came in and is up."""
        call = self.company.rings(**options)
        await call.up()
        return call, await self.next_leg()

    async def outbound(self, **options: Any) -> DoubleCall:
        """A call that we placed and that rings."""
        ticket = self.desk.issue("twilio")
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, **options
        )
        sid = await self.line.dial(request)
        self.desk.knows(self.named(sid), ticket)
        call = await self.company.dialled()
        assert call.call_id == sid
        return call

    async def next_leg(self) -> Attached:
        async with asyncio.timeout(5):
            return await self.desk.next_leg()

    def named(self, sid: str) -> CarrierCall:
        return CarrierCall("twilio", sid, self.company.account)


class Quick:
    """A clock without patience."""

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    def wall(self) -> float:
        return 0.0

    def at(self, ms: float, callback: object) -> asyncio.TimerHandle:
        raise NotImplementedError

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(0)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over real sockets."""
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(faults: Faults | None = None, **options: Any) -> AsyncIterator[Stage]:
    desk = FakeSwitchboard(HOST)
    async with TwilioDouble(faults=faults or Faults(), numbers=(OURS,)).open() as company:
        settings: Twilio = company.carrier(**options)
        async with settings.open(desk) as line, serving_line(line) as url:
            company.reaches(url)
            yield Stage(company, desk, line, url)
