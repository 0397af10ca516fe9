"""Calls that are ended by their id, and lines that nobody talks on: none stays up."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest

from patter.aio import task_scope
from patter.call.turn.events import EndRequested
from patter.errors import InputError, PatterConnectionError, PatterTimeoutError
from patter.providers.carrier import CallOutcome, CarrierCall, Incoming, Ticket
from patter.providers.context import CallContext, Direction
from patter.server.calls import CallRequest
from patter.server.timeouts import Timeouts
from patter_testing import FakeCarrier

from .house import FakeSession, House, Leg

CA1 = CarrierCall("tin", "CA1", "A")
RING = Incoming(carrier="tin", carrier_call_id="CA1", account="A")
OUT = CallRequest(carrier="tin", account="A", direction=Direction.OUTBOUND, callee="+15550100002")


@attrs.frozen(kw_only=True)
class Refusing(FakeCarrier):
    """A carrier that hangs nothing up, or that never answers."""

    name: str = "tin"
    account: str = "A"
    silent: bool = False

    async def hangup(self, carrier_call_id: str) -> None:
        if self.silent:
            await asyncio.Event().wait()
        raise PatterConnectionError(f"cannot reach {carrier_call_id}", fix="try again")


@pytest.mark.parametrize("by", ["our id", "the carrier's"])
async def test_a_call_that_is_live_ends_by_either_id(house: House, by: str) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.hang_up(ticket.call_id if by == "our id" else "CA1", "enough")
        await house.all_ended()
    assert session.events == [EndRequested(1_000, "enough")]
    assert house.deeds == []


async def test_a_call_that_rings_is_taken_back_and_ends_as_canceled(house: House) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        await board.hang_up(ticket.call_id, "changed my mind")
        await house.all_ended()
        await board.hang_up(ticket.call_id, "again")
        await board.hang_up("CA1", "again")
    assert house.deeds == [("hangup", "CA1")]
    assert (house.outcomes, house.reasons) == (["canceled"], ["changed my mind"])
    assert house.ended[0].reached is CallOutcome.CANCELED


async def test_media_that_comes_while_its_line_is_hung_up_ends(house: House) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    class Slow(FakeCarrier):
        async def hangup(self, carrier_call_id: str) -> None:
            begun.set()
            await go.wait()

    slow = Slow(name="tin", account="A")
    async with house.switchboard(lines={"tin": slow}).running() as board, task_scope() as tasks:
        ticket = await board.register(RING)
        hanging_up = tasks.create_task(board.hang_up("CA1", "enough"))
        await begun.wait()
        tasks.create_task(board.attach(ticket.token, Leg()))
        session = await house.session(ticket)
        go.set()
        await hanging_up
        await house.all_ended()
    assert session.events == [EndRequested(1_000, "enough")]


async def test_an_unknown_call_cannot_be_hung_up(house: House) -> None:
    async with house.switchboard().running() as board:
        await board.register(Incoming(carrier="tin", carrier_call_id="CA1", account="B"))
        for call_id in ("nobody", "", "CA1"):
            with pytest.raises(InputError, match="is known") as caught:
                await board.hang_up(call_id, "enough")
            assert caught.value.fix == "pass the call_id that on_call_start or phone.call told"
        assert house.deeds == []


async def test_a_carrier_that_will_not_hang_up_is_reported_and_the_call_rings_on(
    house: House,
) -> None:
    async with house.switchboard(lines={"tin": Refusing()}).running() as board:
        ticket = await board.register(RING)
        with pytest.raises(PatterConnectionError):
            await board.hang_up(ticket.call_id, "enough")
        assert board.calls == (ticket.call_id,)
        assert house.ended == []


async def test_a_carrier_that_never_answers_is_not_waited_for(house: House) -> None:
    board = house.switchboard(lines={"tin": Refusing(silent=True)}, timeouts=Timeouts(hangup_ms=10))
    async with board.running():
        ticket = await board.register(RING)
        with pytest.raises(PatterTimeoutError, match=r"tin did not hang up call \w+ within 0.01 s"):
            await board.hang_up(ticket.call_id, "enough")


async def test_a_call_taken_back_while_it_is_dialled_is_hung_up_once_it_has_an_id(
    house: House,
) -> None:
    async def dial(ticket: Ticket) -> str:
        await board.hang_up(ticket.call_id, "changed my mind")
        await house.all_ended()
        assert house.deeds == []
        return "CA9"

    async with house.switchboard().running() as board:
        entry = await board.place(OUT, dial)
    assert entry.over
    assert house.deeds == [("hangup", "CA9")]
    assert house.ended[0].reached is CallOutcome.CANCELED


async def test_a_dial_refused_after_the_call_was_taken_back_is_reported_as_such(
    house: House,
) -> None:
    async def dial(ticket: Ticket) -> str:
        await board.hang_up(ticket.call_id, "changed my mind")
        await house.all_ended()
        raise InputError("no such number", fix="dial another")

    async with house.switchboard().running() as board:
        with pytest.raises(InputError, match="no such number"):
            await board.place(OUT, dial)
    assert house.reasons == ["changed my mind"]


@pytest.mark.virtual_time
async def test_a_line_whose_media_never_came_does_not_stay_up(house: House) -> None:
    async with house.switchboard(timeouts=Timeouts(media_ms=1_000)).running() as board:
        await board.register(RING)
        await asyncio.sleep(0.999)
        assert house.deeds == []
        await house.all_ended()
    assert house.deeds == [("hangup", "CA1")]
    assert house.outcomes == ["failed"]


async def test_a_line_without_a_session_does_not_stay_up(house: House) -> None:
    def broken(call: CallContext) -> FakeSession:
        raise RuntimeError(call.call_id)

    house.wanted = broken
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        await board.attach(ticket.token, Leg())
        await house.all_ended()
    assert house.deeds == [("hangup", "CA1")]


@pytest.mark.parametrize(
    ("status", "outcome"), [("busy", CallOutcome.BUSY), ("completed", CallOutcome.ANSWERED)]
)
async def test_a_line_the_carrier_says_is_down_is_left_alone(
    house: House, status: str, outcome: CallOutcome
) -> None:
    async with house.switchboard().running() as board:
        await board.register(RING)
        await board.report(CA1, status, outcome)
        await house.all_ended()
    assert house.deeds == []


async def test_calls_that_ring_or_are_cut_when_the_server_stops_are_hung_up(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks, "live")
        await board.register(RING)
        board.stop()
        session.lost.set()
    assert sorted(house.deeds) == [("hangup", "CA1"), ("hangup", "live")]
    assert house.reasons == ["the server stopped"] * 2


@pytest.mark.parametrize("silent", [True, False])
async def test_a_line_that_cannot_be_hung_up_keeps_no_call(
    house: House, caplog: pytest.LogCaptureFixture, silent: bool
) -> None:
    timeouts = Timeouts(media_ms=10, hangup_ms=10)
    board = house.switchboard(lines={"tin": Refusing(silent=silent)}, timeouts=timeouts)
    with caplog.at_level(logging.WARNING):
        async with board.running():
            await board.register(RING)
            await house.all_ended()
    assert house.outcomes == ["failed"]
    assert "its line may still be up" in caplog.text


@pytest.mark.virtual_time
@pytest.mark.parametrize(("ring_ms", "lasts_s"), [(0, 10), (30_000, 40)])
async def test_the_media_of_a_placed_call_is_waited_for_while_it_rings(
    house: House, ring_ms: int, lasts_s: float
) -> None:
    tickets: list[Ticket] = []

    async def dial(ticket: Ticket) -> str:
        tickets.append(ticket)
        return "CA9"

    async with house.switchboard(timeouts=Timeouts(media_ms=10_000)).running() as board:
        entry = await board.place(OUT, dial, ring_ms)
        token_s = board.tokens.read(tickets[0].token).expires - board.clock.wall()
        assert lasts_s <= token_s <= lasts_s + 2
        await asyncio.sleep(lasts_s - 0.1)
        assert house.ended == []
        await asyncio.sleep(0.2)
    assert [each.call_id for each in house.ended] == [entry.call_id]
