"""Webhooks come in any order and twice: a call is created once, ended once, and told of once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError, RateLimitError, WebhookVerificationError
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming, Ticket
from patter.server.calls import CallEntry, CallState
from patter.server.switchboard import LocalSwitchboard
from patter_testing import run_virtual

from .house import House, Leg

CALL = CarrierCall("tin", "CA1", "A")
INCOMING = Incoming(carrier="tin", carrier_call_id="CA1", account="A")
Deed: TypeAlias = Callable[["Line"], Awaitable[object]]


class Line:
    """One carrier call on one switchboard, and the tickets it got."""

    def __init__(self, house: House, board: LocalSwitchboard, tasks: asyncio.TaskGroup) -> None:
        self.house, self.board, self.tasks = house, board, tasks
        self.tickets: list[Ticket] = []

    async def ring(self) -> None:
        self.tickets.append(await self.board.register(INCOMING))

    async def again(self) -> None:
        self.tickets.append(await self.board.reissue(CALL))

    async def connect(self) -> None:
        if self.tickets:
            self.tasks.create_task(self.media(self.tickets[-1]))

    async def media(self, ticket: Ticket) -> None:
        try:
            await self.board.attach(ticket.token, Leg())
        except WebhookVerificationError:
            return

    async def lose(self) -> None:
        for session in self.house.sessions.values():
            session.lost.set()

    async def end(self) -> None:
        for session in self.house.sessions.values():
            session.over.set()

    async def hang_up(self) -> None:
        await self.board.hang_up("CA1", "enough")

    async def drain(self) -> None:
        self.board.drain(5_000)


def reports(status: str, outcome: CallOutcome | None) -> Deed:
    return lambda line: line.board.report(CALL, status, outcome)


def detects(answerer: Answerer, beep: bool) -> Deed:
    return lambda line: line.board.detected(CALL, answerer, beep=beep, raw=answerer.value)


def transfers(taken: bool) -> Deed:
    return lambda line: line.board.transferred(CALL, taken=taken)


def records(url: str) -> Deed:
    return lambda line: line.board.recording(CALL, url)


DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.sampled_from([Line.ring, Line.again, Line.connect, Line.lose, Line.end]),
    st.sampled_from([Line.hang_up, Line.drain]),
    st.builds(
        reports,
        st.sampled_from(["ringing", "in-progress", "completed", "busy"]),
        st.none() | st.sampled_from(CallOutcome),
    ),
    st.builds(detects, st.sampled_from(Answerer), st.booleans()),
    st.builds(transfers, st.booleans()),
    st.builds(records, st.sampled_from(["https://files.example/1", "https://files.example/2"])),
)


async def does(line: Line, deed: Deed) -> None:
    """A webhook, and what it set going; a call that is over or not there may be refused."""
    with suppress(InputError, RateLimitError):
        await deed(line)
    for _ in range(5):
        await asyncio.sleep(0)


async def lived(deeds: list[Deed], late: list[Deed]) -> tuple[House, list[CallEntry]]:
    """The house after a call went through *deeds*, was ended, and *late* webhooks came."""
    house, changes = House(), []
    async with house.switchboard().running() as board, asyncio.TaskGroup() as tasks:
        line = Line(house, board, tasks)
        async with board.registry.watch() as watched:
            for deed in [Line.ring, *deeds]:
                await does(line, deed)
            await line.end()
            board.stop()
            await board.idle()
            for deed in late:
                await does(line, deed)
            while True:
                try:
                    async with asyncio.timeout(0.1):
                        changes.append(await anext(watched))
                except TimeoutError:
                    break
    return house, changes


@given(st.lists(DEEDS, max_size=12), st.lists(DEEDS, max_size=6))
def test_a_call_is_created_once_and_ended_once_whatever_webhooks_come(
    deeds: list[Deed], late: list[Deed]
) -> None:
    house, changes = run_virtual(lived(deeds, late))
    assert len({entry.call_id for entry in changes}) == 1
    assert len({entry.version for entry in changes}) == len(changes)
    ends = [entry for entry in changes if entry.state is CallState.ENDED]
    assert [entry.call_id for entry in house.ended] == [ends[0].call_id]
    assert {entry.reached for entry in ends} == {house.ended[0].reached}
    assert len(house.sessions) <= 1
    assert len(house.detected) <= 1
