"""A carrier on trial: its double, its line, and a switchboard that notes everything.

For tests of a carrier by itself; `phone` puts a whole application in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import attrs

from patter.providers.carrier import CarrierCall, DialRequest, Hangup, TransferRequest
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.doubles.carrier_double import Double
from patter_testing.switchboard import Attached, FakeSwitchboard, TransferReport, serving_line

C = TypeVar("C")
L = TypeVar("L")

HOST = "phone.example.com"
OURS = "+15550001234"
THEIRS = "+15550100001"
HUMAN = "+15550100200"
PATIENCE_S = 15.0


class InstantClock:
    """A clock whose `sleep` returns at once. For the backoff of retries, not for media."""

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    def wall(self) -> float:
        return 0.0

    def at(self, ms: float, callback: Callable[[], object]) -> asyncio.TimerHandle:  # noqa: ARG002
        return asyncio.get_running_loop().call_later(0, callback)

    async def sleep(self, ms: float) -> None:  # noqa: ARG002
        await asyncio.sleep(0)


@attrs.define
class CarrierHarness(Generic[C, L]):
    """Everything at hand. *url* is where the routes of *line* are served."""

    vendor: C
    switchboard: FakeSwitchboard
    line: L
    url: str

    async def inbound(self, **options: Any) -> tuple[DoubleCall, Attached]:
        """A call that came in and is up; *options* as for `CarrierDouble.rings`."""
        call = self._vendor.rings(**options)
        await call.up()
        return call, await self.next_leg()

    async def outbound(self, **options: Any) -> DoubleCall:
        """A call that we placed and that rings; *options* as for `DialRequest`."""
        ticket = self.switchboard.issue(self._line.name)
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, **options
        )
        call_id = await self._line.dial(request)
        self.switchboard.knows(self.named(call_id), ticket)
        call: DoubleCall = await self._vendor.dialled()
        assert call.call_id == call_id, "the dial and the double name different calls"
        return call

    async def handed(self, request: TransferRequest) -> tuple[DoubleCall, DoubleCall, Attached]:
        """A caller on the way to a human who rings, and the leg the agent had."""
        call, attached = await self.inbound()
        await self._line.transfer(call.call_id, request)
        human = await call.human()
        await call.is_with(CallerLocation.HOLD)
        return call, human, attached

    async def handed_off(self, request: TransferRequest) -> tuple[DoubleCall, DoubleCall]:
        """The same at a vendor that stops the agent's stream meanwhile."""
        call, human, attached = await self.handed(request)
        await self.let_go(attached)
        return call, human

    async def let_go(self, attached: Attached) -> None:
        """Expect that the agent's leg is stopped, and give it back."""
        assert [event async for event in attached.events()] == [Hangup("stop")], (
            "it was not stopped"
        )
        attached.done()

    async def back(self, call: DoubleCall) -> Attached:
        """The new leg of a caller who was handed over and is with the agent again."""
        await call.up(len(call.humans) + 1)
        attached = await self.next_leg()
        assert attached.call_id == "call-1", "it came back as another call"
        return attached

    async def transfer_report(self) -> TransferReport:
        """The first report of how a transfer ended, waiting for it."""
        await until(lambda: bool(self.switchboard.transfers))
        return self.switchboard.transfers[0]

    async def next_leg(self) -> Attached:
        """The next media leg that the switchboard is given, waiting for one."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.switchboard.next_leg()

    def named(self, call_id: str) -> CarrierCall:
        """The call as the switchboard hears of it."""
        return CarrierCall(self._line.name, call_id, self._vendor.account)

    def worsen(self, **faults: Any) -> None:
        """Inject these faults from now on: fields of `Faults`."""
        injector = self._vendor.runtime.injector
        injector.faults = attrs.evolve(injector.faults, **faults)

    def posts_of(self, call_id: str) -> int:
        """How many webhooks about a call were sent and answered."""
        sent = self._vendor.runtime.sender.answers
        return sum(call_id.encode() in webhook.body for webhook, _ in sent)

    @property
    def _vendor(self) -> Any:
        return self.vendor

    @property
    def _line(self) -> Any:
        return self.line


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over real sockets. Raises TimeoutError after 15 s."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def harness(double: Double, **options: Any) -> AsyncIterator[CarrierHarness[Any, Any]]:
    """*double*, and the line of its carrier with *options*, served on 127.0.0.1."""
    switchboard = FakeSwitchboard(double.public_host)
    async with (
        double.open() as vendor,
        vendor.carrier(**options).open(switchboard) as line,
        serving_line(line) as url,
    ):
        vendor.reaches(url)
        try:
            yield CarrierHarness(vendor, switchboard, line, url)
        finally:
            await vendor.runtime.stopped()
