"""Transfers over Twilio: as every carrier makes them, and what can go wrong at Twilio alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from patter.carriers.transfer_targets import TransferTargets
from patter.errors import PatterTimeoutError, ProvisionError
from patter.providers.carrier import TransferRequest
from patter_testing import TransfersSuite
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HUMAN, OURS, until
from patter_testing.suites.transfers import WARM
from patter_twilio._rest import TwilioApi
from patter_twilio._transfers import Transfers
from patter_twilio.double import TwilioDouble

from .harness import TRAITS, Harness, harness


class TestTransfers(TransfersSuite):
    double = TwilioDouble
    traits = TRAITS


async def test_a_caller_who_leaves_the_hold_stops_the_ringing() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await call.hangs_up()
        await human.is_with(CallerLocation.ENDED)
        assert human.status == "canceled"
        sender = at.vendor.runtime.sender
        await until(lambda: any("/human?" in webhook.url for webhook, _ in sender.answers))
        assert all(answer.ok for _, answer in sender.answers)
        assert not at.switchboard.transfers
        assert len(call.streams) == 1


async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_us() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        wrong = TransferRequest(target="extension 5", mode="warm", from_number=OURS)
        with pytest.raises(ProvisionError, match="21211") as raised:
            await at.line.transfer(call.call_id, wrong)
        assert "E.164" in raised.value.fix
        attached.done()
        attached = await at.back(call)
        assert (await at.transfer_report()).taken is False
        attached.done()


@pytest.mark.parametrize("inbound", [True, False])
async def test_the_human_sees_our_number_also_when_nobody_says_which(inbound: bool) -> None:
    async with harness() as at:
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
    async with harness() as at:
        call, first = await at.handed_off(WARM)
        await first.refuses()
        attached = await at.back(call)
        attached.done()
        await at.line.transfer(call.call_id, WARM)
        second = await call.human(2)
        at.vendor.reports.status(at.vendor.lines[first.call_id])
        await second.answers()
        await call.is_with(CallerLocation.HUMAN)
        await until(lambda: len(at.switchboard.transfers) == 2)
        assert [each.taken for each in at.switchboard.transfers] == [False, True]


async def test_a_conference_that_breaks_down_gives_the_caller_back_and_stops_the_ringing() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        at.vendor.room(f"patter-{call.call_id}", "").leave(at.vendor.lines[call.call_id])
        attached = await at.back(call)
        await human.is_with(CallerLocation.ENDED)
        assert (await at.transfer_report()).taken is False
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


def oddly(at: Harness, **how: Any) -> None:
    odd: Any = Odd(at.line.api, **how)
    at.line.transfers.api = odd


async def test_a_park_that_may_or_may_not_have_worked_is_undone() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        oddly(at, change_fails=1)
        with pytest.raises(PatterTimeoutError):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        attached = await at.back(call)
        assert (await at.transfer_report()).taken is False
        attached.done()


async def test_a_human_who_rings_without_our_knowing_finds_no_empty_room() -> None:
    async def fail() -> None:
        raise unanswered()

    async with harness() as at:
        call, attached = await at.inbound()
        oddly(at, after_dial=fail)
        with pytest.raises(PatterTimeoutError):
            await at.line.transfer(call.call_id, WARM)
        attached.done()
        attached = await at.back(call)
        human = await call.human()
        await human.answers()
        await human.is_with(CallerLocation.ENDED)
        assert human.journey == [CallerLocation.RINGING, CallerLocation.ENDED]
        attached.done()


async def test_a_caller_who_leaves_while_the_human_is_dialled_stops_the_ringing() -> None:
    async with harness() as at:
        call, attached = await at.inbound()

        async def leave() -> None:
            await call.hangs_up()
            await until(lambda: not at.line.transfers._targets)

        oddly(at, after_dial=leave)
        await at.line.transfer(call.call_id, WARM)
        human = await call.human()
        await human.is_with(CallerLocation.ENDED)
        assert human.status == "canceled"
        attached.done()


async def test_a_caller_who_could_not_be_fetched_is_fetched_when_twilio_asks_again() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
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
        attached = await at.back(call)
        assert failing.left == 0
        attached.done()


async def test_nothing_is_remembered_of_calls_that_are_over_or_too_many() -> None:
    async with harness() as at:
        targets = at.line.transfers._targets = TransferTargets(limit=2)
        calls = []
        for _ in range(3):
            call, attached = await at.inbound()
            await at.line.transfer(call.call_id, WARM)
            attached.done()
            calls.append(call)
        assert [call.call_id in targets for call in calls] == [False, True, True]
        for call in calls:
            await call.hangs_up()
        await until(lambda: not targets)


async def test_nobody_is_rung_for_a_caller_who_leaves_before_twilio_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        run = Transfers._run

        async def slow(self: Transfers, call_sid: str, twiml: str) -> None:
            await run(self, call_sid, twiml)
            await call.hangs_up()
            await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))

        monkeypatch.setattr(Transfers, "_run", slow)
        await at.line.transfer(call.call_id, WARM)
        attached.done()
        assert not call.humans
