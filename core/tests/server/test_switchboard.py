"""The switchboard: every call has one beginning, one end, and nothing to do with another."""

from __future__ import annotations

import asyncio

import pytest

from patter.aio import task_scope
from patter.call.cues import Announce, Drain, End, HungUp, MachineDetected
from patter.errors import (
    AuthenticationError,
    InputError,
    PatterConnectionError,
    PatterTimeoutError,
    RateLimitError,
    WebhookVerificationError,
)
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming, Ticket
from patter.providers.context import Direction
from patter.server.admission import Admission, Limits, Unavailable
from patter.server.calls import Attempt, CallState
from patter.server.local_registry import LocalRegistry
from patter.server.orders import HangUp, Tell
from patter.server.tokens import MediaClaims, TokenSigner
from patter.server.waits import Waits

RING = Incoming(carrier="tin", carrier_call_id="CA1", caller="+15550100001", account="A")
OUT = Attempt(carrier="tin", direction=Direction.OUTBOUND, callee="+15550100002", agent="rosa")


async def ended(house, count: int = 1) -> None:
    while len(house.ended) < count:
        await asyncio.sleep(0.001)


async def test_a_call_goes_from_ring_to_one_end(house) -> None:
    async with house.switchboard(public_host="x.example").running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        assert ticket.media_url == f"wss://x.example/media/tin/{ticket.token}"
        session.over.set()
        await socket
        await ended(house)
        assert board.calls == ()
    assert house.outcomes == ["completed"]


async def test_the_session_knows_who_calls(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket = await board.ring(RING)
        tasks.create_task(board.attach(ticket.token, leg()))
        while not house.sessions:
            await asyncio.sleep(0)
        call = house.sessions[ticket.call_id].call
        house.sessions[ticket.call_id].over.set()
    assert (call.call_id, call.caller, call.account) == (ticket.call_id, RING.caller, "A")


async def test_a_repeated_webhook_is_the_same_call(house) -> None:
    async with house.switchboard().running() as board:
        first, again = await board.ring(RING), await board.ring(RING)
        assert first.call_id == again.call_id
        assert len(board.calls) == 1


async def test_a_webhook_after_the_end_opens_nothing(house) -> None:
    async with house.switchboard().running() as board:
        await board.ring(RING)
        await board.report(CarrierCall("tin", "CA1", "A"), "canceled", CallOutcome.CANCELED)
        await ended(house)
        with pytest.raises(InputError, match="is over"):
            await board.ring(RING)
    assert house.outcomes == ["canceled"]


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "no token"),
        ("v1.nonsense.sig", "did not sign"),
        (TokenSigner().sign(MediaClaims(call_id="1", carrier="tin")), "did not sign"),
    ],
)
async def test_media_without_our_token_is_refused(house, leg, token: str, why: str) -> None:
    async with house.switchboard().running() as board:
        with pytest.raises(WebhookVerificationError, match=why):
            await board.attach(token, leg())
    assert house.sessions == {}


async def test_a_token_of_a_foreign_call_is_refused(house, leg) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.ring(RING)
        for claims in (
            MediaClaims(call_id="nobody", carrier="tin", account="A", expires=2**40),
            MediaClaims(call_id=ticket.call_id, carrier="can", account="A", expires=2**40),
            MediaClaims(call_id=ticket.call_id, carrier="tin", account="B", expires=2**40),
        ):
            with pytest.raises(WebhookVerificationError, match="not known here"):
                await board.attach(board.tokens.sign(claims), leg())


async def test_an_expired_token_is_refused(house, leg) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.ring(RING)
        old = MediaClaims(call_id=ticket.call_id, carrier="tin", account="A", expires=1)
        with pytest.raises(WebhookVerificationError, match="expired"):
            await board.attach(board.tokens.sign(old), leg())


async def test_a_token_has_one_holder_at_a_time(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        with pytest.raises(WebhookVerificationError, match="held"):
            await board.attach(ticket.token, leg())
        assert len(session.legs) == 1
        session.over.set()


async def test_a_lost_leg_does_not_end_the_call_and_another_may_come(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        session.attached.clear()
        session.lost.set()
        await socket
        assert board.calls == (ticket.call_id,)
        back = tasks.create_task(board.attach(ticket.token, leg()))
        await session.attached.wait()
        session.over.set()
        await back
        await ended(house)
    assert len(house.sessions) == 1
    assert len(session.legs) == 2
    assert house.ended[0].epoch == 2


async def test_a_token_is_used_up_when_its_call_is_over(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, socket = await house.answered(board, tasks)
        session.over.set()
        await socket
        await ended(house)
        with pytest.raises(WebhookVerificationError, match="used up"):
            await board.attach(ticket.token, leg())


async def test_media_that_never_comes_ends_the_call_as_failed(house, leg) -> None:
    async with house.switchboard(waits=Waits(media_ms=20)).running() as board:
        await board.ring(RING)
        await ended(house)
        assert board.calls == ()
    assert house.outcomes == ["failed"]
    assert house.ended[0].summary.reason == "no media within 20 ms"


async def test_media_that_comes_while_its_absence_is_written_down_is_too_late(house, leg) -> None:
    class Slow(LocalRegistry):
        asked, go = asyncio.Event(), asyncio.Event()

        async def finish(self, call_id, summary, *, epoch):
            self.asked.set()
            await self.go.wait()
            return await super().finish(call_id, summary, epoch=epoch)

    slow = Slow()
    async with house.switchboard(registry=slow, waits=Waits(media_ms=10)).running() as board:
        ticket = await board.ring(RING)
        await slow.asked.wait()
        await board.attach(ticket.token, leg())
        slow.go.set()
        await ended(house)
    assert house.sessions == {}
    assert house.outcomes == ["failed"]


async def test_a_failing_session_ends_its_own_call_only(house) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, good, _ = await house.answered(board, tasks, "good")
        _, bad, socket = await house.answered(board, tasks, "bad")
        bad.fails = True
        bad.over.set()
        await socket
        await ended(house)
        assert house.outcomes == ["failed"]
        assert len(board.calls) == 1
        good.over.set()
        await ended(house, 2)
    assert house.outcomes == ["failed", "completed"]


async def test_a_session_that_cannot_be_made_ends_the_call(house, leg) -> None:
    def broken(call):
        raise AuthenticationError("no key", fix="export KEY")

    house.wanted = broken
    async with house.switchboard().running() as board:
        ticket = await board.ring(RING)
        await board.attach(ticket.token, leg())
        await ended(house)
    assert (house.outcomes, house.ended[0].summary.reason) == (["failed"], "no key")


async def test_a_callback_that_raises_hurts_nobody(house) -> None:
    async def raising(entry) -> None:
        house.ended.append(entry)
        raise RuntimeError("callback")

    board = house.switchboard()
    board.on_call_end = raising
    async with board.running(), task_scope() as tasks:
        for name in ("one", "two"):
            _, session, socket = await house.answered(board, tasks, name)
            session.over.set()
            await socket
        await ended(house, 2)
        assert board.calls == ()


async def test_no_more_calls_than_the_limit(house) -> None:
    admission = Admission(Limits(calls=1))
    async with house.switchboard(admission=admission).running() as board:
        await board.ring(RING)
        await board.ring(RING)
        with pytest.raises(Unavailable, match="1 is the limit"):
            await board.ring(Incoming(carrier="tin", carrier_call_id="CA2"))


async def test_the_carriers_word_before_media_is_the_outcome(house) -> None:
    async with house.switchboard().running() as board:
        for number, outcome in enumerate((CallOutcome.BUSY, CallOutcome.NO_ANSWER)):
            await board.ring(Incoming(carrier="tin", carrier_call_id=str(number)))
            await board.report(CarrierCall("tin", str(number)), outcome.value, outcome)
        await ended(house, 2)
    assert house.outcomes == ["busy", "no_answer"]


async def test_late_and_unknown_reports_change_nothing(house) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.report(CarrierCall("tin", "CA1"), "in-progress", CallOutcome.ANSWERED)
        for status, outcome in (("ringing", None), ("busy", CallOutcome.BUSY)):
            await board.report(CarrierCall("tin", "CA1"), status, outcome)
            await board.report(CarrierCall("tin", "nobody"), status, outcome)
        entry = await board.registry.find(ticket.call_id)
        assert entry is not None
        assert (entry.status, entry.outcome) == ("in-progress", CallOutcome.ANSWERED)
        assert session.told == []
        session.over.set()


async def test_a_line_that_is_down_ends_a_call_that_lost_its_leg(house) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, socket = await house.answered(board, tasks)
        session.lost.set()
        await socket
        await board.report(CarrierCall("tin", "CA1"), "completed", CallOutcome.ANSWERED)
        await ended(house)
    assert session.told == [HungUp(1_000)]


async def test_control_goes_by_call_id(house) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket, session, _ = await house.answered(board, tasks)
        await board.detected(CarrierCall("tin", "CA1"), Answerer.MACHINE, beep=True)
        assert await board.tell(ticket.call_id, Tell("hello"))
        assert await board.tell(ticket.call_id, HangUp("done", goodbye=True))
        await ended(house)
        assert not await board.tell(ticket.call_id, HangUp("again"))
    assert session.told == [
        MachineDetected(1_000, True),
        Announce(1_000, "hello"),
        End(1_000, "done", True),
    ]


async def test_what_is_told_before_media_waits_for_it(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        ticket = await board.ring(RING)
        await board.detected(CarrierCall("tin", "CA1", "A"), Answerer.MACHINE, beep=False)
        tasks.create_task(board.attach(ticket.token, leg()))
        while not house.sessions:
            await asyncio.sleep(0)
        session = house.sessions[ticket.call_id]
        assert session.told == [MachineDetected(1_000, False)]
        session.over.set()


async def test_a_recording_is_kept_with_its_call(house) -> None:
    async with house.switchboard().running() as board:
        ticket = await board.ring(RING)
        await board.recording(CarrierCall("tin", "CA1", "A"), "https://files.example/1")
        await board.recording(CarrierCall("tin", "nobody"), "https://files.example/2")
        entry = await board.registry.find(ticket.call_id)
        assert entry is not None and entry.recording_url == "https://files.example/1"


async def test_a_dial_is_written_down_first_and_known_by_both_ids_after(house) -> None:
    async with house.switchboard().running() as board:
        before = []

        async def dial(ticket: Ticket) -> str:
            before.append(await board.registry.find(ticket.call_id))
            return "CA9"

        entry = await board.place(OUT, dial)
        assert before[0].state is CallState.ATTEMPTED
        assert (entry.state, entry.attempt.carrier_call_id) == (CallState.RINGING, "CA9")
        assert entry.context(board.clock).agent == "rosa"
        await board.report(CarrierCall("tin", "CA9"), "no-answer", CallOutcome.NO_ANSWER)
        await ended(house)
    assert house.outcomes == ["no_answer"]


async def test_a_refused_dial_is_a_failed_call(house) -> None:
    async def dial(ticket: Ticket) -> str:
        raise AuthenticationError("the carrier refused the key", fix="make another")

    async with house.switchboard().running() as board:
        with pytest.raises(AuthenticationError):
            await board.place(OUT, dial)
        await ended(house)
    assert house.ended[0].summary.reason == "the carrier refused the key"


@pytest.mark.parametrize("lost", [PatterConnectionError("reset", fix="again"), TimeoutError()])
async def test_a_dial_without_answer_may_ring_all_the_same(house, leg, lost: Exception) -> None:
    tickets: list[Ticket] = []

    async def dial(ticket: Ticket) -> str:
        tickets.append(ticket)
        raise lost

    async with house.switchboard().running() as board, task_scope() as tasks:
        with pytest.raises(type(lost)):
            await board.place(OUT, dial)
        entry = await board.registry.find(tickets[0].call_id)
        assert entry is not None and entry.state is CallState.UNKNOWN
        socket = tasks.create_task(board.attach(tickets[0].token, leg()))
        while not house.sessions:
            await asyncio.sleep(0)
        house.sessions[entry.call_id].over.set()
        await socket
        await ended(house)
    assert house.outcomes == ["completed"]


async def test_a_dial_has_a_deadline(house) -> None:
    async def dial(ticket: Ticket) -> str:
        await asyncio.Event().wait()
        return "never"

    async with house.switchboard(waits=Waits(dial_ms=10)).running() as board:
        with pytest.raises(PatterTimeoutError, match="may ring all the same"):
            await board.place(OUT, dial)


async def test_a_report_that_overtakes_the_dial_is_not_lost(house) -> None:
    async with house.switchboard().running() as board:

        async def dial(ticket: Ticket) -> str:
            await board.report(CarrierCall("tin", "CA9"), "busy", CallOutcome.BUSY)
            return "CA9"

        await board.place(OUT, dial)
        await ended(house)
    assert house.outcomes == ["busy"]


async def test_a_session_that_keeps_its_leg_does_not_keep_the_socket(house) -> None:
    async with house.switchboard(waits=Waits(leg_ms=20)).running() as board, task_scope() as tasks:
        _, session, socket = await house.answered(board, tasks)
        session.keeps = True
        session.over.set()
        await socket
        await ended(house)
    assert house.outcomes == ["completed"]


async def test_stopping_ends_every_call_and_tells_of_each_once(house) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        sockets = [(await house.answered(board, tasks, str(n)))[2] for n in range(3)]
        await board.ring(RING)
        board.stop()
        for session in house.sessions.values():
            session.lost.set()
        await asyncio.gather(*sockets)
        await board.idle()
    assert len(house.ended) == len({entry.call_id for entry in house.ended}) == 4
    assert {entry.summary.reason for entry in house.ended} == {"the server stopped"}


async def test_who_goes_away_takes_no_calls_and_tells_those_there_are(house, leg) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        late = await board.ring(RING)
        board.go_away(5_000)
        with pytest.raises(RateLimitError, match="draining"):
            await board.ring(Incoming(carrier="tin", carrier_call_id="CA3"))
        tasks.create_task(board.attach(late.token, leg()))
        while len(house.sessions) < 2:
            await asyncio.sleep(0)
        for each in house.sessions.values():
            (drain,) = each.told
            assert isinstance(drain, Drain)
            assert 5_900 <= drain.by_ms <= 6_000
            each.over.set()
        await board.idle()
    assert session.told
