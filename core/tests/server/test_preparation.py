"""A call that rings is prepared once, whatever becomes of it."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from patter.aio import task_scope
from patter.errors import PatterConfigError
from patter.providers.carrier import CallOutcome, CarrierCall, Incoming
from patter.providers.context import CallContext, Direction
from patter.server.calls import CallRequest

from .house import House

RING = Incoming(carrier="tin", carrier_call_id="CA1", caller="+15550100001", account="A")


@attrs.define(eq=False)
class Kitchen:
    """Prepares calls, and knows what became of each."""

    begun: list[CallContext] = attrs.field(factory=list)
    abandoned: asyncio.Event = attrs.field(factory=asyncio.Event)
    fails: bool = False

    def prepare(self, call: CallContext) -> Kitchen:
        if self.fails:
            raise PatterConfigError("no", fix="no")
        self.begun.append(call)
        return self

    async def run(self) -> None:
        await self.abandoned.wait()

    def abandon(self) -> None:
        self.abandoned.set()


async def test_a_call_is_prepared_from_its_webhook_on_and_once(house: House) -> None:
    kitchen = Kitchen()
    board = house.switchboard(prepare=kitchen.prepare)
    async with board.running(), task_scope() as tasks:
        await board.register(RING)
        ticket, session, socket = await house.answered(board, tasks)
        assert [call.call_id for call in kitchen.begun] == [ticket.call_id]
        assert kitchen.begun[0].caller == RING.caller
        assert not kitchen.abandoned.is_set()
        session.over.set()
        await socket
        await house.all_ended()
        assert kitchen.abandoned.is_set()


async def test_a_call_that_never_comes_is_abandoned(house: House) -> None:
    kitchen = Kitchen()
    board = house.switchboard(prepare=kitchen.prepare)
    async with board.running():
        await board.register(RING)
        await board.report(CarrierCall("tin", "CA1", "A"), "canceled", CallOutcome.CANCELED)
        await house.all_ended()
        assert kitchen.abandoned.is_set()


async def test_a_call_that_cannot_be_prepared_is_taken_all_the_same(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    board = house.switchboard(prepare=Kitchen(fails=True).prepare)
    async with board.running(), task_scope() as tasks:
        _, session, socket = await house.answered(board, tasks)
        session.over.set()
        await socket
        await house.all_ended()
    assert house.outcomes == ["completed"]
    assert "nothing is prepared for it" in caplog.text


async def test_a_call_we_place_is_prepared_once_it_rings(house: House) -> None:
    kitchen = Kitchen()
    request = CallRequest(carrier="tin", direction=Direction.OUTBOUND, callee="+15550100002")
    board = house.switchboard(prepare=kitchen.prepare)

    async def dial(_: object) -> str:
        assert not kitchen.begun
        return "CA9"

    async with board.running():
        entry = await board.place(request, dial)
        assert [call.call_id for call in kitchen.begun] == [entry.call_id]
    assert kitchen.abandoned.is_set()
