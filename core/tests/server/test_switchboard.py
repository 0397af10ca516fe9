"""The switchboard: every call has one beginning, one end, and nothing to do with another."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from patter.aio import task_scope
from patter.call.turn.events import Announce, CallerHungUp, EndRequested, MachineDetected
from patter.errors import (
    AuthenticationError,
    InputError,
    PatterConnectionError,
    PatterTimeoutError,
    WebhookVerificationError,
)
from patter.observe.summary import CallSummary
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming, Ticket
from patter.providers.context import CallContext, Direction
from patter.server.admission import Admission, Limits, Unavailable
from patter.server.calls import CallEntry, CallRequest, CallState
from patter.server.commands import HangUp, SayCommand
from patter.server.local_registry import LocalRegistry
from patter.server.timeouts import Timeouts
from patter.server.tokens import MediaClaims, TokenSigner

from .house import FakeSession, House, Leg

CA1 = CarrierCall("tin", "CA1", "A")
RING = Incoming(carrier="tin", carrier_call_id="CA1", caller="+15550100001", account="A")
OUT = CallRequest(carrier="tin", direction=Direction.OUTBOUND, callee="+15550100002", agent="rosa")


async def test_a_call_goes_from_ring_to_one_end(house: House) -> None:
    async with house.switchboard(public_host="x.example").running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        assert ticket.media_url == f"wss://x.example/media/tin/{ticket.token}"
        session.over.set()
        await socket
        await house.all_ended()
        assert board.calls == ()
    assert house.outcomes == ["completed"]


async def test_the_session_knows_who_calls(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket = await board.register(RING)
        tasks.create_task(board.attach(ticket.token, Leg()))
        while not house.sessions:
            await asyncio.sleep(0)
        call = house.sessions[ticket.call_id].call
        house.sessions[ticket.call_id].over.set()
    assert (call.call_id, call.caller, call.account) == (ticket.call_id, RING.caller, "A")


async def test_a_repeated_webhook_is_the_same_call(house: House) -> None:
    async with house.switchboard().running() as board:
        first, second = await board.register(RING), await board.register(RING)
        assert first.call_id == second.call_id
        assert len(board.calls) == 1


async def test_a_caller_whose_end_overtakes_their_ring_is_not_waited_for(house: House) -> None:
    async with house.switchboard().running() as board:
        await board.report(CA1, "canceled", CallOutcome.CANCELED)
        await board.register(RING)
        await house.all_ended()
        assert [entry.reached for entry in house.ended] == [CallOutcome.CANCELED]


async def test_an_id_that_two_accounts_share_is_two_calls(house: House) -> None:
    other = attrs.evolve(RING, account="B")
    async with house.switchboard().running() as board:
        ours, theirs = await board.register(RING), await board.register(other)
        assert ours.call_id != theirs.call_id
        await board.report(CarrierCall("tin", "CA1", "B"), "busy", CallOutcome.BUSY)
        await house.all_ended()
        assert [entry.call_id for entry in house.ended] == [theirs.call_id]
        assert board.calls == (ours.call_id,)


async def test_a_call_that_is_open_gets_a_ticket_after_the_door_was_closed(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, socket = await house.answered(board, tasks)
        waiting = await board.register(attrs.evolve(RING, carrier_call_id="CA2"))
        board.drain(5_000)
        assert (await board.register(RING)).call_id == session.call.call_id
        second = await board.register(attrs.evolve(RING, carrier_call_id="CA2"))
        assert second.call_id == waiting.call_id
        with pytest.raises(Unavailable):
            await board.register(attrs.evolve(RING, carrier_call_id="CA3"))
        session.over.set()
        await socket


async def test_the_media_of_a_call_that_goes_on_comes_back_by_another_ticket(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        first, session, socket = await house.answered(board, tasks)
        session.attached.clear()
        session.lost.set()
        await socket
        board.drain(5_000)
        ticket = await board.reissue(CA1)
        assert ticket.call_id == first.call_id
        back = tasks.create_task(board.attach(ticket.token, Leg()))
        await session.attached.wait()
        session.over.set()
        await back
    assert len(house.sessions) == 1
    assert len(session.legs) == 2


async def test_no_media_comes_back_to_a_call_that_is_over_or_nobodys(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        with pytest.raises(InputError, match="CA1 is not known here") as unknown:
            await board.reissue(CarrierCall("tin", "CA1", "B"))
        session.over.set()
        await house.all_ended()
        with pytest.raises(InputError, match="CA1 is over") as over:
            await board.reissue(CA1)
    assert {unknown.value.fix, over.value.fix} == {"hang up"}


async def test_a_webhook_after_the_end_opens_nothing(house: House) -> None:
    async with house.switchboard().running() as board:
        await board.register(RING)
        await board.report(CA1, "canceled", CallOutcome.CANCELED)
        await house.all_ended()
        with pytest.raises(InputError, match="is over"):
            await board.register(RING)
    assert house.outcomes == ["canceled"]


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "no token"),
        ("v1.nonsense.sig", "did not sign"),
        (TokenSigner(b"0" * 32).sign(MediaClaims(call_id="1", carrier="tin")), "did not sign"),
    ],
)
async def test_media_without_our_token_is_refused(house: House, token: str, why: str) -> None:
    async with house.switchboard().running() as board:
        with pytest.raises(WebhookVerificationError, match=why):
            await board.attach(token, Leg())
    assert house.sessions == {}


async def test_a_token_of_a_foreign_call_is_refused(house: House) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        for claims in (
            MediaClaims(call_id="nobody", carrier="tin", account="A", expires=2**40),
            MediaClaims(call_id=ticket.call_id, carrier="can", account="A", expires=2**40),
            MediaClaims(call_id=ticket.call_id, carrier="tin", account="B", expires=2**40),
        ):
            with pytest.raises(WebhookVerificationError, match="not known here"):
                await board.attach(board.tokens.sign(claims), Leg())


async def test_a_token_carries_no_other_calls_media(house: House) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        with pytest.raises(WebhookVerificationError, match="the token of call CA1"):
            await board.attach(ticket.token, Leg(), "CA2")
        assert not house.sessions


async def test_a_call_whose_dial_got_no_answer_is_bound_by_its_media(house: House) -> None:
    tickets: list[Ticket] = []

    async def dial(ticket: Ticket) -> str:
        tickets.append(ticket)
        raise PatterConnectionError("the carrier failed (500)", fix="try again")

    async with house.switchboard().running() as board, task_scope() as tasks:
        with pytest.raises(PatterConnectionError):
            await board.place(attrs.evolve(OUT, account="A"), dial)
        tasks.create_task(board.attach(tickets[0].token, Leg(), "CA1"))
        while not house.sessions:
            await asyncio.sleep(0)
        assert house.sessions[tickets[0].call_id].call.carrier_call_id == "CA1"
        await board.report(CA1, "completed", None)
        await house.all_ended()
    assert house.outcomes == ["completed"]


async def test_an_expired_token_is_refused(house: House) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        old = MediaClaims(call_id=ticket.call_id, carrier="tin", account="A", expires=1)
        with pytest.raises(WebhookVerificationError, match="expired"):
            await board.attach(board.tokens.sign(old), Leg())


async def test_a_token_has_one_holder_at_a_time(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        with pytest.raises(WebhookVerificationError, match="held"):
            await board.attach(ticket.token, Leg())
        assert len(session.legs) == 1
        session.over.set()


async def test_a_lost_leg_does_not_end_the_call_and_another_may_come(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        session.attached.clear()
        session.lost.set()
        await socket
        assert board.calls == (ticket.call_id,)
        back = tasks.create_task(board.attach(ticket.token, Leg()))
        await session.attached.wait()
        session.over.set()
        await back
        await house.all_ended()
    assert len(house.sessions) == 1
    assert len(session.legs) == 2
    assert house.ended[0].epoch == 2


async def test_a_token_is_used_up_when_its_call_is_over(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        session.over.set()
        await socket
        await house.all_ended()
        with pytest.raises(WebhookVerificationError, match="used up"):
            await board.attach(ticket.token, Leg())


async def test_media_that_never_comes_ends_the_call_as_failed(house: House) -> None:
    async with house.switchboard(timeouts=Timeouts(media_ms=20)).running() as board:
        await board.register(RING)
        await house.all_ended()
        assert board.calls == ()
    assert house.outcomes == ["failed"]
    assert house.reasons == ["no media within 20 ms"]


class SlowToEnd(LocalRegistry):
    """Writes the end of a call down when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = asyncio.Event(), asyncio.Event()

    async def finish(self, call_id: str, summary: CallSummary, *, epoch: int) -> bool:
        self.entered.set()
        await self.go.wait()
        return await super().finish(call_id, summary, epoch=epoch)


async def test_media_that_comes_while_its_absence_is_written_down_is_too_late(house: House) -> None:
    slow = SlowToEnd()
    async with house.switchboard(registry=slow, timeouts=Timeouts(media_ms=10)).running() as board:
        ticket = await board.register(RING)
        await slow.entered.wait()
        with pytest.raises(WebhookVerificationError, match="used up"):
            await board.attach(ticket.token, Leg())
        slow.go.set()
        await house.all_ended()
    assert house.sessions == {}
    assert house.outcomes == ["failed"]


async def test_a_token_is_used_up_while_the_end_of_its_call_is_written_down(house: House) -> None:
    slow = SlowToEnd()
    async with house.switchboard(registry=slow).running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        session.over.set()
        await socket
        await slow.entered.wait()
        with pytest.raises(WebhookVerificationError, match="used up"):
            await board.attach(ticket.token, Leg())
        slow.go.set()
        await house.all_ended()
    assert (len(session.legs), house.outcomes) == (1, ["completed"])


async def test_a_failing_session_ends_its_own_call_only(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, good, _ = await house.answered(board, tasks, "good")
        _, bad, socket = await house.answered(board, tasks, "bad")
        bad.fails = True
        bad.over.set()
        await socket
        await house.all_ended()
        assert house.outcomes == ["failed"]
        assert len(board.calls) == 1
        good.over.set()
        await house.all_ended(2)
    assert house.outcomes == ["failed", "completed"]


async def test_a_session_that_cannot_be_made_ends_the_call(house: House) -> None:
    def broken(call: CallContext) -> FakeSession:
        raise AuthenticationError("no key", fix="export KEY")

    house.wanted = broken
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        await board.attach(ticket.token, Leg())
        await house.all_ended()
    assert (house.outcomes, house.reasons) == (["failed"], ["no key"])


async def test_a_callback_that_raises_hurts_nobody(house: House) -> None:
    async def raising(entry: CallEntry) -> None:
        house.ended.append(entry)
        raise RuntimeError("callback")

    board = house.switchboard()
    board.on_call_end = raising
    async with board.running(), task_scope() as tasks:
        for name in ("one", "two"):
            _, session, socket = await house.answered(board, tasks, name)
            session.over.set()
            await socket
        await house.all_ended(2)
        assert board.calls == ()


async def test_no_more_calls_than_the_limit(house: House) -> None:
    admission = Admission(Limits(calls=1))
    async with house.switchboard(admission=admission).running() as board:
        await board.register(RING)
        await board.register(RING)
        with pytest.raises(Unavailable, match="1 is the limit"):
            await board.register(Incoming(carrier="tin", carrier_call_id="CA2"))


async def test_the_carriers_word_before_media_is_the_outcome(house: House) -> None:
    async with house.switchboard().running() as board:
        for number, outcome in enumerate((CallOutcome.BUSY, CallOutcome.NO_ANSWER)):
            await board.register(Incoming(carrier="tin", carrier_call_id=str(number)))
            await board.report(CarrierCall("tin", str(number)), outcome.value, outcome)
        await house.all_ended(2)
    assert house.outcomes == ["busy", "no_answer"]


async def test_late_and_unknown_reports_change_nothing(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.report(CA1, "in-progress", CallOutcome.ANSWERED)
        for status, outcome in (("ringing", None), ("busy", CallOutcome.BUSY)):
            await board.report(CA1, status, outcome)
            await board.report(CarrierCall("tin", "nobody"), status, outcome)
        entry = await board.registry.find(ticket.call_id)
        assert entry is not None
        assert (entry.status, entry.outcome) == ("in-progress", CallOutcome.ANSWERED)
        assert session.events == []
        session.over.set()


async def test_a_line_that_is_down_ends_a_call_that_lost_its_leg(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, socket = await house.answered(board, tasks)
        session.lost.set()
        await socket
        await board.report(CA1, "completed", CallOutcome.ANSWERED)
        await house.all_ended()
    assert session.events == [CallerHungUp(1_000)]


async def test_control_goes_by_call_id(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.detected(CA1, Answerer.MACHINE, beep=True)
        assert await board.tell(ticket.call_id, SayCommand("hello"))
        assert await board.tell(ticket.call_id, HangUp("done", goodbye=True))
        await house.all_ended()
        assert not await board.tell(ticket.call_id, HangUp("again"))
    assert session.events == [
        MachineDetected(1_000, True),
        Announce(1_000, "hello"),
        EndRequested(1_000, "done", True),
    ]


async def test_commands_before_media_wait_for_it(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket = await board.register(RING)
        await board.detected(CA1, Answerer.MACHINE, beep=False)
        tasks.create_task(board.attach(ticket.token, Leg()))
        session = await house.session(ticket)
        assert session.events == [MachineDetected(1_000, False)]
        session.over.set()


async def test_a_recording_is_kept_with_its_call(house: House) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.register(RING)
        await board.recording(CA1, "https://files.example/1")
        await board.recording(CarrierCall("tin", "nobody"), "https://files.example/2")
        entry = await board.registry.find(ticket.call_id)
        assert entry is not None and entry.recording_url == "https://files.example/1"


async def test_a_dial_is_written_down_first_and_reachable_by_both_ids_after(house: House) -> None:
    async with house.switchboard().running() as board:
        before = []

        async def dial(ticket: Ticket) -> str:
            before.append(await board.registry.find(ticket.call_id))
            return "CA9"

        entry = await board.place(OUT, dial)
        assert [entry and entry.state for entry in before] == [CallState.ATTEMPTED]
        assert (entry.state, entry.request.carrier_call_id) == (CallState.RINGING, "CA9")
        assert entry.context(board.clock).agent == "rosa"
        await board.report(CarrierCall("tin", "CA9"), "no-answer", CallOutcome.NO_ANSWER)
        await house.all_ended()
    assert house.outcomes == ["no_answer"]


async def test_a_refused_dial_is_a_failed_call(house: House) -> None:
    async def dial(ticket: Ticket) -> str:
        raise AuthenticationError("the carrier refused the key", fix="make another")

    async with house.switchboard().running() as board:
        with pytest.raises(AuthenticationError):
            await board.place(OUT, dial)
        await house.all_ended()
    assert house.reasons == ["the carrier refused the key"]


@pytest.mark.parametrize("lost", [PatterConnectionError("reset", fix="again"), TimeoutError()])
async def test_a_dial_without_answer_may_ring_all_the_same(house: House, lost: Exception) -> None:
    tickets: list[Ticket] = []

    async def dial(ticket: Ticket) -> str:
        tickets.append(ticket)
        raise lost

    async with house.switchboard().running() as board, task_scope() as tasks:
        with pytest.raises(type(lost)):
            await board.place(OUT, dial)
        entry = await board.registry.find(tickets[0].call_id)
        assert entry is not None and entry.state is CallState.UNKNOWN
        socket = tasks.create_task(board.attach(tickets[0].token, Leg()))
        while not house.sessions:
            await asyncio.sleep(0)
        house.sessions[entry.call_id].over.set()
        await socket
        await house.all_ended()
    assert house.outcomes == ["completed"]


async def test_a_dial_has_a_deadline(house: House) -> None:
    async def dial(ticket: Ticket) -> str:
        await asyncio.Event().wait()
        return "never"

    async with house.switchboard(timeouts=Timeouts(dial_ms=10)).running() as board:
        with pytest.raises(PatterTimeoutError, match="may ring all the same"):
            await board.place(OUT, dial)


async def test_a_report_that_overtakes_the_dial_is_not_lost(house: House) -> None:
    async with house.switchboard().running() as board:

        async def dial(ticket: Ticket) -> str:
            await board.report(CarrierCall("tin", "CA9"), "busy", CallOutcome.BUSY)
            return "CA9"

        await board.place(OUT, dial)
        await house.all_ended()
    assert house.outcomes == ["busy"]


async def test_a_session_that_keeps_its_leg_does_not_keep_the_socket(house: House) -> None:
    async with (
        house.switchboard(timeouts=Timeouts(leg_ms=20)).running() as board,
        task_scope() as tasks,
    ):
        _, session, socket = await house.answered(board, tasks)
        session.keeps = True
        session.over.set()
        await socket
        await house.all_ended()
    assert house.outcomes == ["completed"]
