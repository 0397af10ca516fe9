"""A Telnyx account on trial: its double, its line, and a switchboard that notes everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter.providers.carrier import CarrierCall, DialRequest
from patter.testing.desk import Attached, FakeSwitchboard, serving_line
from patter.testing.doubles.call import DoubleCall
from patter_telnyx import Telnyx
from patter_telnyx.double import Company, TelnyxDouble
from patter_telnyx.line import TelnyxLine

HOST = "phone.example.com"
OURS = "+15550001234"
THEIRS = "+15550100001"
HUMAN = "+15550100200"


@attrs.define
class Stage:
    """Everything at hand."""

    company: Company
    desk: FakeSwitchboard
    line: TelnyxLine
    url: str

    async def inbound(self, **options: Any) -> tuple[DoubleCall, Attached]:
        """A call that came in and is up."""
        call = self.company.rings(**options)
        await call.up()
        return call, await self.next_leg()

    async def outbound(self, **options: Any) -> DoubleCall:
        """A call that we placed and that rings."""
        ticket = self.desk.issue("telnyx")
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, **options
        )
        call_id = await self.line.dial(request)
        self.desk.knows(self.named(call_id), ticket)
        call = await self.company.dialled()
        assert call.call_id == call_id
        return call

    async def next_leg(self) -> Attached:
        async with asyncio.timeout(5):
            return await self.desk.next_leg()

    def named(self, call_id: str) -> CarrierCall:
        return CarrierCall("telnyx", call_id, self.company.account)

    def actions(self, name: str) -> int:
        """How often the server ordered this."""
        return sum(path.endswith(f"/actions/{name}") for _, path in self.company.exchange.requests)

    async def posted(self, kind: str, times: int = 1) -> None:
        """Wait until events of this *kind* were sent and answered so often."""
        sent = self.company.exchange.courier.answers
        wanted = f'"event_type":"{kind}"'.encode()
        await until(lambda: sum(wanted in hook.body for hook, _ in sent) >= times)

    def worsen(self, **faults: Any) -> None:
        """The day is this bad from now on."""
        fate = self.company.exchange.fate
        fate.faults = attrs.evolve(fate.faults, **faults)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over real sockets."""
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(settings: dict[str, Any] | None = None, **double: Any) -> AsyncIterator[Stage]:
    desk = FakeSwitchboard(HOST)
    async with TelnyxDouble(numbers=(OURS,), **double).open() as company:
        carrier: Telnyx = company.carrier(**(settings or {}))
        async with carrier.open(desk) as line, serving_line(line) as url:
            company.reaches(url)
            yield Stage(company, desk, line, url)
