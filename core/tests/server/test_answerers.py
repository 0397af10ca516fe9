"""Who answered a call: passed on once, whatever carriers repeat, and acted on in time."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from patter.aio import task_scope
from patter.call.turn.events import (
    CallerHungUp,
    EndRequested,
    MachineDetected,
    TransferFailed,
    TransferTaken,
)
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming, Ticket
from patter.providers.context import Direction
from patter.server.calls import CallEntry, CallRequest, Reported
from patter.server.carrier_reports import CALLS, REPORTS, PendingReports
from patter.server.local_registry import LocalRegistry
from patter.server.timeouts import Timeouts

from .house import House, Leg

CA1 = CarrierCall("tin", "CA1", "A")
CA9 = CarrierCall("tin", "CA9", "A")
OUT = CallRequest(carrier="tin", account="A", direction=Direction.OUTBOUND, callee="+15550100002")
HUMAN, MACHINE = Answerer.HUMAN, Answerer.MACHINE
FAX, UNKNOWN = Answerer.FAX, Answerer.UNKNOWN
Detections = tuple[Answerer, bool]


@pytest.mark.parametrize(
    ("detections", "beeps", "classified"),
    [
        ([(MACHINE, False)], [False], MACHINE),
        ([(MACHINE, False), (MACHINE, False)], [False], MACHINE),
        ([(MACHINE, False), (MACHINE, True), (MACHINE, True)], [False, True], MACHINE),
        ([(MACHINE, True), (MACHINE, False)], [True], MACHINE),
        ([(HUMAN, False), (MACHINE, True)], [], HUMAN),
        ([(MACHINE, False), (HUMAN, False)], [False], MACHINE),
        ([(UNKNOWN, False), (MACHINE, True)], [True], MACHINE),
        ([(UNKNOWN, False), (HUMAN, False), (UNKNOWN, False)], [], HUMAN),
    ],
)
async def test_the_first_answerer_stands_and_its_beep_may_follow(
    house: House, detections: list[Detections], beeps: list[bool], classified: Answerer
) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        for answerer, beep in detections:
            await board.detected(CA1, answerer, beep=beep)
        entry = await board.registry.find(ticket.call_id)
        assert entry is not None and entry.answerer is classified
        assert session.events == [MachineDetected(1_000, beep) for beep in beeps]
        session.over.set()


async def test_a_fax_is_hung_up(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        await board.detected(CA1, FAX)
        await board.detected(CA1, FAX)
        await house.all_ended()
    assert session.events == [EndRequested(1_000, "fax")]


async def test_who_answered_is_passed_on_once_with_the_carriers_own_word(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.detected(CA1, MACHINE, raw="machine_start")
        await board.detected(CA1, MACHINE, beep=True, raw="machine_end_beep")
        await board.detected(CarrierCall("tin", "nobody"), HUMAN)
        session.over.set()
    ((entry, raw),) = house.detected
    assert (entry.call_id, entry.answerer, raw) == (ticket.call_id, MACHINE, "machine_start")
    assert house.ended[0].answered_by == "machine_start"


async def test_reports_at_the_same_moment_call_back_once(house: House) -> None:
    class Slow(LocalRegistry):
        async def find_at(self, carrier: str, carrier_call_id: str, account: str = "") -> Any:
            entry = await super().find_at(carrier, carrier_call_id, account)
            await asyncio.sleep(0.01)
            return entry

    async with house.switchboard(registry=Slow()).running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        await asyncio.gather(*(board.detected(CA1, HUMAN) for _ in range(3)))
        session.over.set()
    assert len(house.detected) == 1


async def test_who_answered_a_call_that_is_over_calls_nobody_back(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        session.over.set()
        await house.all_ended()
        await board.detected(CA1, MACHINE)
    assert house.detected == []
    assert session.events == []


async def test_a_callback_that_fails_or_hangs_keeps_no_command_from_its_call(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    words: list[str] = []

    async def callback(entry: CallEntry, raw: str) -> None:
        words.append(raw)
        if raw == "fails":
            raise RuntimeError("callback")
        await asyncio.Event().wait()

    board = house.switchboard(on_detected=callback, timeouts=Timeouts(callback_ms=20))
    with caplog.at_level(logging.ERROR):
        async with board.running(), task_scope() as tasks:
            for name in ("fails", "hangs"):
                _, session, _ = await house.answered(board, tasks, name)
                await board.detected(CarrierCall("tin", name, "A"), MACHINE, raw=name)
                assert session.events == [MachineDetected(1_000, False)]
                session.over.set()
    assert words == ["fails", "hangs"]
    assert caplog.text.count("who took it could not be told") == 2


async def test_an_answerer_that_came_before_our_dial_was_answered_is_not_lost(house: House) -> None:
    tickets: list[Ticket] = []

    async def dial(ticket: Ticket) -> str:
        tickets.append(ticket)
        await board.detected(CA9, MACHINE, raw="first")
        await board.detected(CA9, MACHINE, beep=True)
        return "CA9"

    async with house.switchboard().running() as board, task_scope() as tasks:
        await board.place(OUT, dial)
        tasks.create_task(board.attach(tickets[0].token, Leg()))
        session = await house.session(tickets[0])
        assert session.events == [MachineDetected(1_000, False), MachineDetected(1_000, True)]
        session.over.set()
    assert [raw for _, raw in house.detected] == ["first"]


async def test_of_early_reports_the_first_outcome_counts(house: House) -> None:
    async def dial(_: Ticket) -> str:
        await board.report(CA9, "busy", CallOutcome.BUSY)
        await board.report(CA9, "completed", None)
        return "CA9"

    async with house.switchboard().running() as board:
        await board.place(OUT, dial)
        await house.all_ended()
    assert house.outcomes == ["busy"]
    assert house.ended[0].reached is CallOutcome.BUSY


def test_reports_of_unknown_calls_are_bounded() -> None:
    pending = PendingReports()
    for number in range(CALLS + 10):
        for status in range(REPORTS + 5):
            pending.keep(CarrierCall("tin", str(number)), Reported(str(status)))
    assert pending.take(CarrierCall("tin", "9")) == ()
    kept = pending.take(CarrierCall("tin", "10"))
    assert kept == tuple(Reported(str(status)) for status in range(5, REPORTS + 5))
    assert pending.take(CarrierCall("tin", "10")) == ()


@pytest.mark.parametrize(
    ("taken", "event"),
    [(True, TransferTaken(1_000)), (False, TransferFailed(1_000, "no-answer"))],
)
async def test_how_a_transfer_ended_reaches_its_call(house: House, taken: bool, event: Any) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        await board.transferred(CA1, taken=taken, status="no-answer")
        await board.transferred(CarrierCall("tin", "CA1", "B"), taken=taken)
        assert session.events == [event]
        session.over.set()
        await house.all_ended()
        await board.transferred(CA1, taken=taken)
    assert session.events == [event]


async def test_a_call_that_is_not_answered_was_not_transferred(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket = await board.register(Incoming(carrier="tin", carrier_call_id="CA1", account="A"))
        await board.transferred(CA1, taken=False, status="busy")
        tasks.create_task(board.attach(ticket.token, Leg()))
        session = await house.session(ticket)
        assert session.events == []
        await board.report(CA1, "completed", None)
        await house.all_ended()
    assert session.events == [CallerHungUp(1_000)]
