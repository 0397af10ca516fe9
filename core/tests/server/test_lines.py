"""Carriers' lines live as long as the server: open before it listens, closed after its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import ClientSession, web

from patter.aio import task_scope
from patter.errors import AuthenticationError, PatterConfigError
from patter.providers.carrier import Answerer, Carrier, CarrierCall, Incoming, Switchboard
from patter.server.app import Server, Serving
from patter_testing import FakeCarrier

from .house import House, Leg

SERVER = Server(port=0, stall_ms=0, freeze_gc=False)


@attrs.frozen(kw_only=True)
class Logged(FakeCarrier):
    """A carrier that writes down when its line opens and closes, and whom it hangs up."""

    log: list[str] = attrs.field(factory=list)
    refuses: bool = False

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[FakeCarrier]:
        if self.refuses:
            raise AuthenticationError(f"{self.name} refused the key", fix="make another")
        self.log.append(f"{self.name} opened")
        try:
            async with FakeCarrier.open(self, switchboard) as line:
                yield line
        finally:
            self.log.append(f"{self.name} closed")

    def routes(self) -> list[web.RouteDef]:
        async def hello(_: web.Request) -> web.Response:
            return web.Response(text=self.name)

        return [web.get(f"/webhooks/{self.name}/hello", hello)]

    async def hangup(self, carrier_call_id: str) -> None:
        self.log.append(f"hung up {carrier_call_id}")


@asynccontextmanager
async def served(house: House, *carriers: Carrier) -> AsyncIterator[Serving]:
    async with SERVER.open(
        house.start,
        carriers=carriers,
        on_call_end=house.on_call_end,
        on_detected=house.on_detected,
    ) as serving:
        yield serving


async def test_a_line_is_served_under_its_carriers_name(house: House) -> None:
    tin, can = Logged(name="tin"), Logged(name="can")
    async with served(house, tin, can) as serving, ClientSession(serving.url) as client:
        assert (serving.line("tin"), serving.line("can")) == (tin, can)
        for name in ("tin", "can"):
            async with client.get(f"/webhooks/{name}/hello") as answer:
                assert await answer.text() == name


async def test_a_line_nobody_opened_is_named_with_those_there_are(house: House) -> None:
    async with served(house, Logged(name="tin")) as serving:
        with pytest.raises(PatterConfigError, match="no carrier 'twine' is served") as caught:
            serving.line("twine")
    assert caught.value.fix == "choose one of those that are: tin"


async def test_a_line_can_hang_up_until_the_last_call_is_over(house: House) -> None:
    tin = Logged(name="tin")
    async with served(house, tin) as serving:
        assert tin.log == ["tin opened"]
        await serving.switchboard.register(Incoming(carrier="tin", carrier_call_id="CA1"))
    assert house.reasons == ["the server stopped"]
    assert tin.log == ["tin opened", "hung up CA1", "tin closed"]


async def test_a_line_that_cannot_open_closes_those_before_it(house: House) -> None:
    tin = Logged(name="tin")
    with pytest.raises(AuthenticationError, match="can refused the key"):
        async with served(house, tin, Logged(name="can", refuses=True)):
            pytest.fail("it served all the same")
    assert tin.log == ["tin opened", "tin closed"]


async def test_the_lines_calls_are_detected_and_hung_up_by_their_carriers_id(house: House) -> None:
    async with served(house, Logged(name="tin")) as serving, task_scope() as tasks:
        board = serving.switchboard
        ticket = await board.register(Incoming(carrier="tin", carrier_call_id="CA1"))
        tasks.create_task(board.attach(ticket.token, Leg()))
        await house.session(ticket)
        await board.detected(CarrierCall("tin", "CA1"), Answerer.HUMAN, raw="human")
        await board.hang_up("CA1", "enough")
        await board.idle()
    await asyncio.sleep(0)
    assert [raw for _, raw in house.detected] == ["human"]
    assert house.outcomes == ["completed"]
