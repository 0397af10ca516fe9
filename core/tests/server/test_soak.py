"""A thousand calls through one switchboard in virtual time, with everything that goes wrong."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest

from patter.aio import task_scope
from patter.providers.carrier import CallOutcome, CarrierCall, Incoming, Ticket
from patter.server.admission import Admission, Limits
from patter.server.calls import CallState
from patter.server.local_registry import LocalRegistry
from patter.server.switchboard import LocalSwitchboard

from .house import House, Leg

CALLS = 1_000
AT_ONCE = 150


async def one_call(house: House, board: LocalSwitchboard, number: int, dice: random.Random) -> None:
    """Ring, talk for a while, perhaps lose the leg, be reported, crash, or never get media."""
    name = f"CA{number}"
    ticket = await board.register(Incoming(carrier="tin", carrier_call_id=name))
    await board.register(Incoming(carrier="tin", carrier_call_id=name))
    async with board.registry.watch(ticket.call_id) as changes:
        await go_through(house, board, ticket, name, dice)
        assert [entry.state async for entry in changes][-1] is CallState.ENDED


async def go_through(
    house: House, board: LocalSwitchboard, ticket: Ticket, name: str, dice: random.Random
) -> None:
    match dice.choice(["talks", "drops", "crashes", "busy", "silent"]):
        case "busy":
            await board.report(CarrierCall("tin", name), "busy", CallOutcome.BUSY)
        case "silent":
            await asyncio.sleep(61)
        case kind:
            await talk(house, board, ticket, kind, dice)
    await board.report(CarrierCall("tin", name), "completed", None)


async def talk(
    house: House, board: LocalSwitchboard, ticket: Ticket, kind: str, dice: random.Random
) -> None:
    async with task_scope() as tasks:
        tasks.create_task(board.attach(ticket.token, Leg()))
        await asyncio.sleep(dice.uniform(1, 120))
        session = house.sessions.pop(ticket.call_id)
        if kind == "drops":
            session.lost.set()
            await asyncio.sleep(1)
            tasks.create_task(board.attach(ticket.token, Leg()))
            await asyncio.sleep(dice.uniform(1, 60))
        session.fails = kind == "crashes"
        session.over.set()


@pytest.mark.virtual_time
@pytest.mark.parametrize("seed", [7])
async def test_a_thousand_calls_leave_nothing(
    house: House, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    caplog.set_level(logging.CRITICAL, "patter.server")
    dice = random.Random(seed)
    registry = LocalRegistry(remembered=10)
    admission = Admission(Limits(calls=AT_ONCE))

    seats = asyncio.Semaphore(AT_ONCE - 10)
    board = house.switchboard(registry=registry, admission=admission)

    async def seated(number: int) -> None:
        async with seats:
            await one_call(house, board, number, dice)

    async with board.running(), task_scope() as tasks:
        for number in range(CALLS):
            tasks.create_task(seated(number))
    assert board.calls == ()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert asyncio.get_running_loop().time() > 120
    assert len(house.ended) == len({entry.call_id for entry in house.ended}) == CALLS
    assert {"completed", "failed", "busy"} == set(house.outcomes)
    assert registry.open_calls == 0
    assert len(registry._calls) == len(registry._at) == 10
    assert not registry._watching
