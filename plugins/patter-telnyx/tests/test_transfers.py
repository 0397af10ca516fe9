"""Transfers over Telnyx: as every carrier makes them, and what is Telnyx's alone."""

from __future__ import annotations

from typing import Any

import pytest

from patter.errors import ProvisionError
from patter.providers.carrier import CallOutcome, Hangup, TransferRequest
from patter_telnyx.double import TelnyxDouble
from patter_testing import TransfersSuite
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HUMAN, OURS, until
from patter_testing.switchboard import Attached, TransferReport

from .harness import TRAITS, Harness, harness

COLD = TransferRequest(target=HUMAN, from_number=OURS)
WARM = TransferRequest(
    target=HUMAN, mode="warm", summary="Wants a refund & more.", from_number=OURS
)
REFUSED = {
    CallOutcome.BUSY: "user_busy",
    CallOutcome.NO_ANSWER: "no_answer",
    CallOutcome.FAILED: "call_rejected",
}


class TestTransfers(TransfersSuite):
    double = TelnyxDouble
    traits = TRAITS


BOTH = pytest.mark.parametrize("request_", [COLD, WARM], ids=["cold", "warm"])


async def handed(at: Harness, request: TransferRequest) -> tuple[DoubleCall, DoubleCall, Attached]:
    """A caller on the way to a human who rings."""
    call, attached = await at.inbound()
    await at.line.transfer(call.call_id, request)
    human = await call.human()
    assert call.where is CallerLocation.HOLD
    return call, human, attached


async def transfer_report(at: Harness) -> TransferReport:
    await until(lambda: bool(at.switchboard.transfers))
    return at.switchboard.transfers[0]


@pytest.mark.parametrize("outcome", REFUSED)
async def test_a_caller_whose_stream_was_ended_is_brought_back(outcome: CallOutcome) -> None:
    async with harness(keeps_streams=False) as at:
        call, human, attached = await handed(at, COLD)
        assert [event async for event in attached.events()] == [Hangup("stop")]
        attached.done()
        await human.refuses(outcome)
        await call.up(2)
        back = await at.next_leg()
        assert (await transfer_report(at)).taken is False
        assert call.journey[-3:] == [
            CallerLocation.AGENT,
            CallerLocation.HOLD,
            CallerLocation.AGENT,
        ]
        back.done()


async def test_a_socket_lost_during_a_transfer_comes_back_only_when_nobody_takes_it() -> None:
    async with harness() as at:
        call, human, attached = await handed(at, COLD)
        call.drops()
        _ = [event async for event in attached.leg]
        attached.done()
        await at.posted("streaming.failed")
        assert at.actions("streaming_start") == 0
        await human.refuses()
        await call.up(2)
        (await at.next_leg()).done()
        assert (await transfer_report(at)).taken is False


async def test_a_transfer_rings_no_longer_than_telnyx_lets_it() -> None:
    async with harness() as at:
        _, _, attached = await handed(at, TransferRequest(target=HUMAN, ring_timeout_s=1))
        (_, human) = at.vendor.lines.values()
        at.vendor.end(human, "timeout")
        assert (await transfer_report(at)).status == "timeout"
        attached.done()


async def test_a_warm_transfer_without_a_summary_joins_them_at_once() -> None:
    async with harness() as at:
        quiet = TransferRequest(target=HUMAN, mode="warm", from_number=OURS)
        call, human, attached = await handed(at, quiet)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        assert not human.spoken
        attached.done()


async def test_a_human_who_hangs_up_during_the_briefing_gives_the_caller_back() -> None:
    async with harness() as at:
        long = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
        call, human, attached = await handed(at, long)
        await human.answers()
        await until(lambda: bool(human.spoken))
        assert len(human.spoken[0]) == 1_000
        await human.hangs_up()
        report = await transfer_report(at)
        assert (report.taken, report.status) == (False, "normal_clearing")
        assert call.where is CallerLocation.AGENT
        attached.done()


async def test_a_caller_who_leaves_during_the_briefing_lets_the_human_go() -> None:
    async with harness() as at:
        long = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
        call, human, attached = await handed(at, long)
        await human.answers()
        await until(lambda: bool(human.spoken))
        at.switchboard.over.add(at.named(call.call_id))
        await call.hangs_up()
        await human.is_with(CallerLocation.ENDED)
        assert not at.switchboard.transfers
        attached.done()


@BOTH
async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_us(
    request_: TransferRequest,
) -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        wrong = TransferRequest(target="extension 5", mode=request_.mode, from_number=OURS)
        with pytest.raises(ProvisionError, match="10016") as raised:
            await at.line.transfer(call.call_id, wrong)
        assert "E.164" in raised.value.fix
        assert not at.line.streams.is_away(call.call_id)
        assert (call.where, at.switchboard.transfers) == (CallerLocation.AGENT, [])
        attached.done()


async def test_a_warm_transfer_needs_a_number_of_ours() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        with pytest.raises(ProvisionError) as raised:
            await at.line.transfer(call.call_id, TransferRequest(target=HUMAN, mode="warm"))
        assert "from_number" in raised.value.fix
        attached.done()


async def test_the_same_human_may_be_rung_twice() -> None:
    async with harness() as at:
        call, first, attached = await handed(at, WARM)
        await first.refuses()
        await transfer_report(at)
        await at.line.transfer(call.call_id, WARM)
        assert (await call.human(2)).callee == HUMAN
        attached.done()


@pytest.mark.parametrize("seed", range(3))
@BOTH
async def test_on_a_bad_day_a_caller_whose_stream_was_ended_still_ends_up_somewhere(
    request_: TransferRequest, seed: int
) -> None:
    faults: dict[str, Any] = {"late": 0.5, "late_ms": 60, "twice": 0.4, "reordered": 0.3}
    bad = Faults(forged=0.3, seed=seed, **faults)
    async with harness(faults=bad, keeps_streams=False) as at:
        call, human, attached = await handed(at, request_)
        if request_ is COLD:
            _ = [event async for event in attached.leg]
            attached.done()
            await human.refuses(CallOutcome.BUSY)
            attached = await at.next_leg()
        else:
            await human.refuses(CallOutcome.BUSY)
        await until(lambda: bool(at.switchboard.transfers))
        assert not any(each.taken for each in at.switchboard.transfers)
        assert call.where is CallerLocation.AGENT
        assert not at.vendor.runtime.sender.forgeries_taken
        attached.done()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))
