"""Transfers end to end: the caller is always with exactly one of agent, hold, human, nobody."""

from __future__ import annotations

from typing import Any

import pytest

from patter.errors import ProvisionError
from patter.providers.carrier import CallOutcome, Hangup, TransferRequest
from patter.testing.desk import Attached, TransferReport
from patter.testing.doubles.call import DoubleCall, Where
from patter.testing.doubles.faults import Faults

from .stage import HUMAN, OURS, Stage, stage, until

COLD = TransferRequest(target=HUMAN, from_number=OURS)
WARM = TransferRequest(
    target=HUMAN, mode="warm", summary="Wants a refund & more.", from_number=OURS
)
REFUSED = {
    CallOutcome.BUSY: "user_busy",
    CallOutcome.NO_ANSWER: "no_answer",
    CallOutcome.FAILED: "call_rejected",
}
BOTH = pytest.mark.parametrize("request_", [COLD, WARM], ids=["cold", "warm"])


async def handed(at: Stage, request: TransferRequest) -> tuple[DoubleCall, DoubleCall, Attached]:
    """A caller on the way to a human who rings."""
    call, attached = await at.inbound()
    await at.line.transfer(call.call_id, request)
    human = await call.human()
    assert call.where is Where.HOLD
    return call, human, attached


async def told(at: Stage) -> TransferReport:
    await until(lambda: bool(at.desk.transfers))
    return at.desk.transfers[0]


async def test_a_cold_transfer_that_is_taken_is_told_and_ends_with_the_talk() -> None:
    async with stage() as at:
        call, human, attached = await handed(at, COLD)
        assert (human.caller, human.callee) == (OURS, HUMAN)
        await human.answers()
        assert await told(at) == TransferReport(
            at.named(call.call_id), True, at.desk.transfers[0].status
        )
        await until(lambda: at.actions("streaming_stop") == 1)
        assert [event async for event in attached.leg] == [Hangup("stop")]
        attached.done()
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert call.journey == [Where.RINGING, Where.AGENT, Where.HOLD, Where.HUMAN, Where.ENDED]
        assert all(each.taken for each in at.desk.transfers)
        assert len(call.streams) == 1


@BOTH
@pytest.mark.parametrize("outcome", REFUSED)
async def test_a_transfer_nobody_takes_leaves_the_caller_with_us(
    request_: TransferRequest, outcome: CallOutcome
) -> None:
    async with stage() as at:
        call, human, attached = await handed(at, request_)
        await human.refuses(outcome)
        assert await told(at) == TransferReport(at.named(call.call_id), False, REFUSED[outcome])
        assert call.journey[-3:] == [Where.AGENT, Where.HOLD, Where.AGENT]
        assert len(call.streams) == 1
        await attached.leg.send(b"\x10" * 800)
        await until(lambda: bool(call.leg.heard()))
        attached.done()


@pytest.mark.parametrize("outcome", REFUSED)
async def test_a_caller_whose_stream_was_ended_is_brought_back(outcome: CallOutcome) -> None:
    async with stage(keeps_streams=False) as at:
        call, human, attached = await handed(at, COLD)
        assert [event async for event in attached.leg] == [Hangup("stop")]
        attached.done()
        await human.refuses(outcome)
        await call.up(2)
        back = await at.next_leg()
        assert (await told(at)).taken is False
        assert call.journey[-3:] == [Where.AGENT, Where.HOLD, Where.AGENT]
        back.done()


async def test_a_socket_lost_during_a_transfer_comes_back_only_when_nobody_takes_it() -> None:
    async with stage() as at:
        call, human, attached = await handed(at, COLD)
        call.drops()
        _ = [event async for event in attached.leg]
        attached.done()
        await at.posted("streaming.failed")
        assert at.actions("streaming_start") == 0
        await human.refuses()
        await call.up(2)
        (await at.next_leg()).done()
        assert (await told(at)).taken is False


async def test_a_transfer_rings_no_longer_than_telnyx_lets_it() -> None:
    async with stage() as at:
        _, _, attached = await handed(at, TransferRequest(target=HUMAN, ring_timeout_s=1))
        (_, human) = at.company.lines.values()
        at.company.end(human, "timeout")
        assert (await told(at)).status == "timeout"
        attached.done()


async def test_a_sip_address_is_a_target_too() -> None:
    async with stage() as at:
        target = TransferRequest(target="sip:desk@rosas.example")
        _, human, attached = await handed(at, target)
        assert human.callee == "sip:desk@rosas.example"
        attached.done()


@BOTH
async def test_a_caller_who_leaves_while_a_transfer_rings_ends_it(
    request_: TransferRequest,
) -> None:
    async with stage() as at:
        call, human, attached = await handed(at, request_)
        at.desk.over.add(at.named(call.call_id))
        await call.hangs_up()
        await human.is_with(Where.ENDED)
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
        assert not any(each.taken for each in at.desk.transfers)
        assert len(call.streams) == 1
        attached.done()


async def test_a_warm_transfer_briefs_the_human_and_then_joins_the_caller() -> None:
    async with stage() as at:
        call, human, attached = await handed(at, WARM)
        assert (human.caller, human.callee, call.where) == (OURS, HUMAN, Where.HOLD)
        await human.answers()
        await call.is_with(Where.HUMAN)
        assert human.spoken == ["Wants a refund & more."]
        assert await told(at) == TransferReport(at.named(call.call_id), True, "bridged")
        await until(lambda: at.actions("streaming_stop") == 1)
        attached.done()
        await human.hangs_up()
        await call.is_with(Where.ENDED)
        assert call.journey == [Where.RINGING, Where.AGENT, Where.HOLD, Where.HUMAN, Where.ENDED]
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
        assert len(at.desk.transfers) == 1
        assert {each.call for each in at.desk.reports} == {at.named(call.call_id)}


async def test_a_warm_transfer_without_a_summary_joins_them_at_once() -> None:
    async with stage() as at:
        quiet = TransferRequest(target=HUMAN, mode="warm", from_number=OURS)
        call, human, attached = await handed(at, quiet)
        await human.answers()
        await call.is_with(Where.HUMAN)
        assert not human.spoken
        attached.done()


async def test_a_summary_travels_in_no_address() -> None:
    async with stage() as at:
        _, human, attached = await handed(at, WARM)
        await human.answers()
        await told(at)
        posted = [webhook.url for webhook, _ in at.company.exchange.courier.answers]
        asked = [path for _, path in at.company.exchange.requests]
        assert not any("refund" in address for address in posted + asked)
        attached.done()


async def test_a_human_who_hangs_up_during_the_briefing_gives_the_caller_back() -> None:
    async with stage() as at:
        long = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
        call, human, attached = await handed(at, long)
        await human.answers()
        await until(lambda: bool(human.spoken))
        assert len(human.spoken[0]) == 1_000
        await human.hangs_up()
        report = await told(at)
        assert (report.taken, report.status) == (False, "normal_clearing")
        assert call.where is Where.AGENT
        attached.done()


async def test_a_caller_who_leaves_during_the_briefing_lets_the_human_go() -> None:
    async with stage() as at:
        long = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
        call, human, attached = await handed(at, long)
        await human.answers()
        await until(lambda: bool(human.spoken))
        at.desk.over.add(at.named(call.call_id))
        await call.hangs_up()
        await human.is_with(Where.ENDED)
        assert not at.desk.transfers
        attached.done()


async def test_a_caller_who_is_gone_when_the_human_answers_is_not_waited_for() -> None:
    async with stage() as at:
        call, human, attached = await handed(at, WARM)
        at.desk.over.add(at.named(call.call_id))
        await human.answers()
        await human.is_with(Where.ENDED)
        assert Where.HUMAN not in human.journey
        assert not human.spoken
        attached.done()


async def test_the_agent_who_hangs_up_on_hold_stops_the_ringing_too() -> None:
    async with stage() as at:
        call, human, attached = await handed(at, WARM)
        await at.line.hangup(call.call_id)
        await human.is_with(Where.ENDED)
        assert call.over
        attached.done()


@BOTH
async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_us(
    request_: TransferRequest,
) -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        wrong = TransferRequest(target="extension 5", mode=request_.mode, from_number=OURS)
        with pytest.raises(ProvisionError, match="10016") as raised:
            await at.line.transfer(call.call_id, wrong)
        assert "E.164" in raised.value.fix
        assert not at.line.streams.is_away(call.call_id)
        assert (call.where, at.desk.transfers) == (Where.AGENT, [])
        attached.done()


async def test_a_warm_transfer_needs_a_number_of_ours() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        with pytest.raises(ProvisionError) as raised:
            await at.line.transfer(call.call_id, TransferRequest(target=HUMAN, mode="warm"))
        assert "from_number" in raised.value.fix
        attached.done()


async def test_a_second_human_is_rung_after_the_first_refused() -> None:
    async with stage() as at:
        call, first, attached = await handed(at, WARM)
        await first.refuses()
        assert (await told(at)).taken is False
        other = TransferRequest(target="+15550100201", mode="warm", from_number=OURS)
        await at.line.transfer(call.call_id, other)
        second = await call.human(2)
        await second.answers()
        await call.is_with(Where.HUMAN)
        await until(lambda: len(at.desk.transfers) == 2)
        assert [each.taken for each in at.desk.transfers] == [False, True]
        attached.done()


async def test_the_same_human_may_be_rung_twice() -> None:
    async with stage() as at:
        call, first, attached = await handed(at, WARM)
        await first.refuses()
        await told(at)
        await at.line.transfer(call.call_id, WARM)
        assert (await call.human(2)).callee == HUMAN
        attached.done()


@pytest.mark.parametrize("seed", range(3))
@BOTH
@pytest.mark.parametrize("keeps_streams", [True, False])
async def test_on_a_bad_day_the_caller_still_ends_up_somewhere(
    request_: TransferRequest, seed: int, keeps_streams: bool
) -> None:
    faults: dict[str, Any] = {"late": 0.5, "late_ms": 60, "twice": 0.4, "reordered": 0.3}
    bad = Faults(forged=0.3, seed=seed, **faults)
    async with stage(faults=bad, keeps_streams=keeps_streams) as at:
        call, human, attached = await handed(at, request_)
        if not keeps_streams and request_ is COLD:
            _ = [event async for event in attached.leg]
            attached.done()
            await human.refuses(CallOutcome.BUSY)
            attached = await at.next_leg()
        else:
            await human.refuses(CallOutcome.BUSY)
        await until(lambda: bool(at.desk.transfers))
        assert not any(each.taken for each in at.desk.transfers)
        assert call.where is Where.AGENT
        assert not at.company.exchange.courier.forgeries_taken
        attached.done()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
