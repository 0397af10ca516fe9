"""Transfers over Plivo: as every carrier makes them, and what can go wrong at Plivo alone."""

from __future__ import annotations

from functools import partial

import attrs
import pytest

from patter.errors import (
    AuthenticationError,
    InputError,
    PatterConnectionError,
    ProvisionError,
)
from patter.providers.carrier import CallOutcome, MarkPlayed, TransferRequest
from patter_plivo._rest import BACKOFF_MS
from patter_plivo._transfers import Transfers
from patter_plivo.double import PlivoDouble, webhook_forms
from patter_plivo.double.line import Orders
from patter_testing import TransfersSuite
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HOST, HUMAN, OURS, until
from patter_testing.switchboard import TransferReport

from .harness import TRAITS, Harness, harness

COLD = TransferRequest(target=HUMAN, from_number=OURS)
WARM = TransferRequest(
    target=HUMAN, mode="warm", summary="Wants a refund & more: 5 € \u0000", from_number=OURS
)


class TestTransfers(TransfersSuite):
    double = PlivoDouble
    traits = TRAITS


class TestTransfersOfHeldStreams(TransfersSuite):
    """The same at a Plivo whose streams end only when they are closed."""

    double = partial(PlivoDouble, holds_streams=True)
    # A human who is rung for no time at all is gone before the stream has ended.
    traits = attrs.evolve(TRAITS, least_ring_s=1)


async def test_a_caller_who_hangs_up_while_it_rings_is_gone_and_so_is_the_ringing() -> None:
    async with harness() as at:
        call, human = await at.handed_off(COLD)
        await call.hangs_up()
        await human.is_with(CallerLocation.ENDED)
        assert human.status == "cancel"
        await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))


async def test_the_human_of_a_warm_transfer_is_told_what_it_is_about() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        assert (human.caller, human.callee) == (OURS, HUMAN)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        assert human.spoken == ["Wants a refund & more: 5 €"]
        assert await at.transfer_report() == TransferReport(
            at.named(call.call_id), True, "answered"
        )
        await human.hangs_up()
        await call.is_with(CallerLocation.ENDED)
        assert call.journey == [
            CallerLocation.RINGING,
            CallerLocation.AGENT,
            CallerLocation.HOLD,
            CallerLocation.HUMAN,
            CallerLocation.ENDED,
        ]


async def test_a_caller_who_leaves_their_hold_stops_the_ringing() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await call.hangs_up()
        await human.is_with(CallerLocation.ENDED)
        assert human.status == "cancel"
        assert not at.switchboard.transfers


async def test_a_human_who_answers_too_late_is_not_kept() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        at.switchboard.over.add(at.named(call.call_id))
        await human.answers()
        await human.is_with(CallerLocation.ENDED)
        assert not human.spoken
        assert not at.switchboard.transfers


async def test_a_human_who_finds_nobody_is_let_go() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        at.vendor.lines[call.call_id].orders = Orders()
        await call.hangs_up()
        await human.answers()
        await human.is_with(CallerLocation.ENDED)
        assert human.spoken
        assert not at.switchboard.transfers


async def test_without_a_number_of_ours_nobody_is_put_on_hold() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        with pytest.raises(ProvisionError, match="no number of ours"):
            await at.line.transfer(call.call_id, TransferRequest(target=HUMAN, mode="warm"))
        assert not call.humans
        assert call.where is CallerLocation.AGENT
        attached.done()


async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_the_agent() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.vendor.barred.add(HUMAN)
        with pytest.raises(AuthenticationError, match="does not let this account"):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        (await at.back(call)).done()
        assert not call.humans
        assert call.where is CallerLocation.AGENT


async def test_a_target_is_a_number_or_a_sip_address_and_nothing_else() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        for target in ("0190666", "+1555<Number/>", "sip:a b@c.example", ""):
            with pytest.raises(InputError, match="neither"):
                await at.line.transfer(call.call_id, TransferRequest(target=target))
        assert not call.humans
        attached.done()


async def test_the_end_of_a_human_told_twice_moves_the_caller_once() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await human.refuses(CallOutcome.BUSY)
        attached = await at.back(call)
        url = f"https://{HOST}/webhooks/plivo/human?call={call.call_id}"
        form = webhook_forms.of_hangup(at.vendor.lines[human.call_id])
        assert (await at.vendor.runtime.sender.ask(webhook_forms.post(url, form))).ok
        await attached.leg.mark("still here")
        assert await anext(aiter(attached.events())) == MarkPlayed("still here")
        assert len(call.streams) == 2
        attached.done()


async def test_a_meeting_told_twice_ends_no_talk() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await human.answers()
        await at.transfer_report()
        url = f"https://{HOST}/webhooks/plivo/conference?call={call.call_id}"
        line = at.vendor.lines[human.call_id]
        form = webhook_forms.of_conference(line, "enter", "patter-room", "c-1")
        assert (await at.vendor.runtime.sender.ask(webhook_forms.post(url, form))).ok
        assert (call.where, human.where) == (CallerLocation.HUMAN, CallerLocation.HUMAN)
        assert all(each.taken for each in at.switchboard.transfers)


async def test_a_human_who_rings_although_it_seemed_in_vain_is_let_go() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.vendor.unsure.add(HUMAN)
        with pytest.raises(PatterConnectionError):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        back = await at.back(call)
        human = await call.human()
        await human.answers()
        await human.is_with(CallerLocation.ENDED)
        sent = at.vendor.runtime.sender.answers
        await until(lambda: any("/human" in webhook.url for webhook, _ in sent))
        await back.leg.mark("undisturbed")
        assert await anext(aiter(back.events())) == MarkPlayed("undisturbed")
        assert not human.spoken
        assert not at.switchboard.transfers
        back.done()


def moves(at: Harness, call: DoubleCall) -> int:
    """How often the call was told to go elsewhere."""
    return sum(path.endswith(f"/Call/{call.call_id}/") for _, path in at.vendor.runtime.requests)


async def test_a_caller_who_could_not_be_fetched_is_fetched_when_plivo_tells_again() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        at.vendor.runtime.injector.faults = Faults(broken=1)
        before = moves(at, call)
        await human.refuses(CallOutcome.BUSY)
        await until(lambda: moves(at, call) == before + 1 + len(BACKOFF_MS))
        assert not at.switchboard.transfers
        at.vendor.runtime.injector.faults = Faults()
        attached = await at.back(call)
        assert not (await at.transfer_report()).taken
        attached.done()


async def test_a_human_is_believed_when_plivo_cannot_say_whether_the_caller_is_there() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        at.vendor.runtime.injector.faults = Faults(broken=1)
        await human.answers()
        assert (await at.transfer_report()).taken
        assert call.where is CallerLocation.HUMAN


async def test_nobody_is_rung_for_a_caller_who_leaves_before_plivo_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        move = Transfers.move

        async def slow(self: Transfers, uuid: str, path: str, **params: str) -> None:
            await move(self, uuid, path, **params)
            await call.hangs_up()
            await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))

        monkeypatch.setattr(Transfers, "move", slow)
        await at.line.transfer(call.call_id, WARM)
        attached.done()
        assert not call.humans
        assert not at.line._transfers._targets
