"""Transfers end to end: the caller is always with exactly one of agent, hold, human, nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from patter.errors import PatterTimeoutError, ProvisionError
from patter.providers.carrier import CallOutcome, Hangup, TransferRequest
from patter.testing.desk import Attached, TransferReport
from patter.testing.doubles.call import DoubleCall, Where
from patter.testing.doubles.faults import Faults
from patter_twilio import _transfers
from patter_twilio._rest import TwilioApi

from .stage import HUMAN, OURS, Stage, stage, until

COLD = TransferRequest(target=HUMAN, from_number=OURS)
WARM = TransferRequest(
    target=HUMAN, mode="warm", summary="Wants a refund & more.", from_number=OURS
)
REFUSED = [CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED, CallOutcome.CANCELED]


async def handed(at: Stage, request: TransferRequest) -> tuple[DoubleCall, DoubleCall]:
    """A caller on the way to a human who rings; the agent's socket is told to stop."""
    call, attached = await at.inbound()
    await at.line.transfer(call.call_id, request)
    assert [event async for event in attached.leg] == [Hangup("stop")]
    attached.done()
    human = await call.human()
    await call.is_with(Where.HOLD)
    return call, human


async def told(at: Stage) -> TransferReport:
    await until(lambda: bool(at.desk.transfers))
    return at.desk.transfers[0]


async def back_with_us(at: Stage, call: DoubleCall) -> Attached:
    """The caller has a new stream of the same call."""
    await call.up(2)
    attached = await at.next_leg()
    assert attached.call_id == "call-1"
    return attached


async def test_a_cold_transfer_that_is_taken_is_told_and_ends_with_the_talk() -> None:
    async with stage() as at:
        call, human = await handed(at, COLD)
        assert (human.caller, human.callee) == (OURS, HUMAN)
        await human.answers()
        assert await told(at) == TransferReport(at.named(call.call_id), True, "in-progress")
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert call.journey == [Where.RINGING, Where.AGENT, Where.HOLD, Where.HUMAN, Where.ENDED]
        assert all(each.taken for each in at.desk.transfers)


@pytest.mark.parametrize("outcome", REFUSED)
async def test_a_cold_transfer_nobody_takes_brings_the_caller_back(outcome: CallOutcome) -> None:
    async with stage() as at:
        call, human = await handed(at, COLD)
        await human.refuses(outcome)
        attached = await back_with_us(at, call)
        report = await told(at)
        assert (report.taken, report.status) == (False, human.status)
        assert call.journey[-3:] == [Where.AGENT, Where.HOLD, Where.AGENT]
        attached.done()


async def test_a_cold_transfer_rings_no_longer_than_asked() -> None:
    async with stage() as at:
        call, _ = await handed(at, TransferRequest(target=HUMAN, ring_timeout_s=0))
        attached = await back_with_us(at, call)
        assert (await told(at)).status == "no-answer"
        attached.done()


async def test_a_sip_address_is_a_target_too() -> None:
    async with stage() as at:
        _, human = await handed(at, TransferRequest(target="sip:desk@rosas.example"))
        assert human.callee == "sip:desk@rosas.example"


async def test_a_caller_who_leaves_while_a_transfer_rings_ends_it() -> None:
    async with stage() as at:
        call, human = await handed(at, COLD)
        await call.hangs_up()
        await human.is_with(Where.ENDED)
        await until(lambda: bool(at.desk.reports))
        assert not at.desk.transfers
        assert len(call.streams) == 1


async def test_a_call_that_ends_meanwhile_does_not_come_back() -> None:
    async with stage() as at:
        call, human = await handed(at, COLD)
        at.desk.over.add(at.named(call.call_id))
        await human.refuses()
        await call.is_with(Where.ENDED)
        assert len(call.streams) == 1


async def test_a_warm_transfer_briefs_the_human_and_then_joins_the_caller() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        assert (human.caller, human.callee, call.where) == (OURS, HUMAN, Where.HOLD)
        await human.answers()
        await call.is_with(Where.HUMAN)
        assert human.spoken == ["Wants a refund & more."]
        assert await told(at) == TransferReport(at.named(call.call_id), True, "conference-start")
        at.desk.over.add(at.named(call.call_id))
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert call.journey == [Where.RINGING, Where.AGENT, Where.HOLD, Where.HUMAN, Where.ENDED]
        assert len(at.desk.transfers) == 1


async def test_a_summary_travels_in_no_address() -> None:
    async with stage() as at:
        _, human = await handed(at, WARM)
        await human.answers()
        await told(at)
        posted = [webhook.url for webhook, _ in at.company.exchange.courier.answers]
        asked = [path for _, path in at.company.exchange.requests]
        assert not any("refund" in address for address in posted + asked)


@pytest.mark.parametrize("outcome", REFUSED)
async def test_a_warm_transfer_nobody_takes_brings_the_caller_back(outcome: CallOutcome) -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        await human.refuses(outcome)
        attached = await back_with_us(at, call)
        report = await told(at)
        assert (report.taken, report.status) == (False, human.status)
        assert call.journey[-3:] == [Where.AGENT, Where.HOLD, Where.AGENT]
        attached.done()


async def test_a_human_who_hangs_up_during_the_briefing_gives_the_caller_back() -> None:
    async with stage() as at:
        long = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
        call, human = await handed(at, long)
        await human.answers()
        await human.hangs_up()
        attached = await back_with_us(at, call)
        assert (await told(at)).taken is False
        attached.done()


async def test_a_caller_who_leaves_the_hold_stops_the_ringing() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        await call.hangs_up()
        await human.is_with(Where.ENDED)
        assert human.status == "canceled"
        courier = at.company.exchange.courier
        await until(lambda: any("/human?" in webhook.url for webhook, _ in courier.answers))
        assert all(answer.ok for _, answer in courier.answers)
        assert not at.desk.transfers
        assert len(call.streams) == 1


async def test_a_caller_who_leaves_before_the_human_is_ready_is_not_waited_for() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        at.desk.over.add(at.named(call.call_id))
        await human.answers()
        await human.is_with(Where.ENDED)
        assert Where.HUMAN not in human.journey


async def test_the_agent_who_hangs_up_on_hold_stops_the_ringing_too() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        await at.line.hangup(call.call_id)
        await human.is_with(Where.ENDED)
        assert call.over


async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_us() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        wrong = TransferRequest(target="extension 5", mode="warm", from_number=OURS)
        with pytest.raises(ProvisionError, match="21211") as raised:
            await at.line.transfer(call.call_id, wrong)
        assert "E.164" in raised.value.fix
        attached.done()
        attached = await back_with_us(at, call)
        assert (await told(at)).taken is False
        attached.done()


@pytest.mark.parametrize("inbound", [True, False])
async def test_the_human_sees_our_number_also_when_nobody_says_which(inbound: bool) -> None:
    async with stage() as at:
        if inbound:
            call, attached = await at.inbound()
        else:
            call = await at.outbound()
            await call.answers()
            attached = await at.next_leg()
        await at.line.transfer(call.call_id, TransferRequest(target=HUMAN, mode="warm"))
        assert (await call.human()).caller == OURS
        attached.done()


async def test_a_second_human_is_not_stopped_by_reports_of_the_first() -> None:
    async with stage() as at:
        call, first = await handed(at, WARM)
        await first.refuses()
        attached = await back_with_us(at, call)
        attached.done()
        await at.line.transfer(call.call_id, WARM)
        second = await call.human(2)
        at.company.reports.status(at.company.lines[first.call_id])
        await second.answers()
        await call.is_with(Where.HUMAN)
        await until(lambda: len(at.desk.transfers) == 2)
        assert [each.taken for each in at.desk.transfers] == [False, True]


async def test_a_conference_that_breaks_down_gives_the_caller_back_and_stops_the_ringing() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        at.company.room(f"patter-{call.call_id}", "").leave(at.company.lines[call.call_id])
        attached = await back_with_us(at, call)
        await human.is_with(Where.ENDED)
        assert (await told(at)).taken is False
        attached.done()


@attrs.define
class Odd:
    """An API that does what it is asked and then something happens."""

    api: TwilioApi
    after_dial: Callable[[], Awaitable[object]] | None = None
    change_fails: int = 0

    async def dial(self, **options: Any) -> str:
        sid = await self.api.dial(**options)
        if self.after_dial is not None:
            await self.after_dial()
        return sid

    async def change(self, sid: str, **changes: Any) -> None:
        await self.api.change(sid, **changes)
        if self.change_fails:
            self.change_fails -= 1
            raise unanswered()


def unanswered() -> PatterTimeoutError:
    return PatterTimeoutError("no answer", fix="wait")


def oddly(at: Stage, **how: Any) -> None:
    odd: Any = Odd(at.line.api, **how)
    at.line.transfers.api = odd


async def test_a_park_that_may_or_may_not_have_worked_is_undone() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        oddly(at, change_fails=1)
        with pytest.raises(PatterTimeoutError):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        attached = await back_with_us(at, call)
        assert (await told(at)).taken is False
        attached.done()


async def test_a_human_who_rings_without_our_knowing_finds_no_empty_room() -> None:
    async def fail() -> None:
        raise unanswered()

    async with stage() as at:
        call, attached = await at.inbound()
        oddly(at, after_dial=fail)
        with pytest.raises(PatterTimeoutError):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        attached = await back_with_us(at, call)
        human = await call.human()
        await human.answers()
        await human.is_with(Where.ENDED)
        assert human.journey == [Where.RINGING, Where.ENDED]
        attached.done()


async def test_a_caller_who_leaves_while_the_human_is_dialled_stops_the_ringing() -> None:
    async with stage() as at:
        call, attached = await at.inbound()

        async def leave() -> None:
            await call.hangs_up()
            await until(lambda: not at.line.transfers._warm)

        oddly(at, after_dial=leave)
        await at.line.transfer(call.call_id, WARM)
        human = await call.human()
        await human.is_with(Where.ENDED)
        assert human.status == "canceled"
        attached.done()


async def test_after_the_talk_the_caller_is_let_go() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        await human.answers()
        await told(at)
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert len(call.streams) == 1
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
        assert [each.taken for each in at.desk.transfers] == [True]


async def test_a_caller_who_could_not_be_fetched_is_fetched_when_twilio_asks_again() -> None:
    async with stage() as at:
        call, human = await handed(at, WARM)
        api = at.line.api

        @attrs.define
        class Failing:
            left: int = 1

            async def change(self, sid: str, **changes: Any) -> None:
                if self.left:
                    self.left -= 1
                    raise unanswered()
                await api.change(sid, **changes)

        failing: Any = Failing()
        at.line.transfers.api = failing
        await human.refuses()
        attached = await back_with_us(at, call)
        assert failing.left == 0
        attached.done()


async def test_nothing_is_remembered_of_calls_that_are_over_or_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_transfers, "REMEMBERED", 2)
    async with stage() as at:
        calls = []
        for _ in range(3):
            call, attached = await at.inbound()
            await at.line.transfer(call.call_id, WARM)
            attached.done()
            calls.append(call)
        assert list(at.line.transfers._warm) == [call.call_id for call in calls[1:]]
        for call in calls:
            await call.hangs_up()
        await until(lambda: not at.line.transfers._warm)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("request_", [COLD, WARM], ids=["cold", "warm"])
async def test_on_a_bad_day_the_caller_still_ends_up_somewhere(
    request_: TransferRequest, seed: int
) -> None:
    faults = Faults(late=0.5, late_ms=60, twice=0.4, reordered=0.3, forged=0.3, seed=seed)
    async with stage(faults) as at:
        call, human = await handed(at, request_)
        await human.refuses(CallOutcome.BUSY)
        attached = await back_with_us(at, call)
        await until(lambda: bool(at.desk.transfers))
        assert not any(each.taken for each in at.desk.transfers)
        assert not at.company.exchange.courier.forgeries_taken
        attached.done()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
