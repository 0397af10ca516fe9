"""What becomes of callers who are handed over, whatever carrier has them.

The caller is always with exactly one of agent, hold, human, nobody: `DoubleCall.journey`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

from patter.errors import PatterError
from patter.providers.carrier import CallOutcome, TransferRequest
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HUMAN, OURS, CarrierHarness, until
from patter_testing.suites.on_double import DoubleSuite
from patter_testing.suites.rules import has_fix
from patter_testing.switchboard import Attached, TransferReport

At: TypeAlias = CarrierHarness[Any, Any]
Handed: TypeAlias = tuple[DoubleCall, DoubleCall, Attached]

COLD = TransferRequest(target=HUMAN, from_number=OURS)
WARM = TransferRequest(
    target=HUMAN, mode="warm", summary="Wants a refund & more: 5 €", from_number=OURS
)
LONG = TransferRequest(target=HUMAN, mode="warm", summary="word " * 600, from_number=OURS)
REFUSED = (CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED, CallOutcome.CANCELED)
JOINED = [
    CallerLocation.RINGING,
    CallerLocation.AGENT,
    CallerLocation.HOLD,
    CallerLocation.HUMAN,
    CallerLocation.ENDED,
]
BOTH = pytest.mark.parametrize("request_", [COLD, WARM], ids=["cold", "warm"])


class TransfersSuite(DoubleSuite):
    """Subclass, name the simulator and how its vendor says things, as for `CallsSuite`."""

    async def handed(self, at: At, request: TransferRequest) -> Handed:
        """A caller on the way to a human who rings, and the leg the agent had."""
        self.need(at, f"{request.mode}_transfer")
        call, human, attached = await at.handed(request)
        if not self.traits.keeps_streams:
            await at.let_go(attached)
        return call, human, attached

    async def back(self, at: At, call: DoubleCall, attached: Attached) -> Attached:
        """The leg of a caller who is with the agent again, and hears it."""
        if not self.traits.keeps_streams:
            attached = await at.back(call)
        assert attached.call_id == "call-1"
        await call.is_with(CallerLocation.AGENT)
        await attached.leg.send(b"\x10" * 800)
        await until(lambda: bool(call.leg.heard()))
        assert call.journey[-3:] == [
            CallerLocation.AGENT,
            CallerLocation.HOLD,
            CallerLocation.AGENT,
        ]
        return attached

    async def over(self, at: At) -> None:
        """The vendor has said that a line is down."""
        await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))

    @BOTH
    async def test_a_human_who_takes_the_caller_is_told_of_once(
        self, request_: TransferRequest
    ) -> None:
        """And after their talk the caller is let go: they do not come back to the agent.

        If this fails: report ``transferred(taken=True)`` when both can talk, not before, and
        remember it until the call is over.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, request_)
            assert (human.caller, human.callee) == (OURS, HUMAN)
            await human.answers()
            await call.is_with(CallerLocation.HUMAN)
            report = await at.transfer_report()
            words = self.traits.taken_cold if request_ is COLD else self.traits.taken_warm
            assert (report.call, report.taken) == (at.named(call.call_id), True)
            assert report.status in words
            if self.traits.keeps_streams:
                await at.let_go(attached)
            await human.hangs_up()
            await call.is_with(CallerLocation.ENDED)
            await self.over(at)
            assert call.journey == JOINED
            assert len(call.streams) == 1
            assert all(each.taken for each in at.switchboard.transfers)

    async def test_a_human_is_told_what_it_is_about(self) -> None:
        """Word for word, before they meet the caller, who does not hear it.

        If this fails: escape the summary for the vendor's language, and speak it to them alone.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, WARM)
            await human.answers()
            await call.is_with(CallerLocation.HUMAN)
            assert human.spoken == [WARM.summary]
            assert not call.spoken
            attached.done()

    async def test_a_summary_travels_in_no_address(self) -> None:
        """Addresses are logged on the way; what callers said is nobody's business there.

        If this fails: send it in a body, or keep it until the human answers.
        """
        async with self.harness() as at:
            _, human, attached = await self.handed(at, WARM)
            await human.answers()
            await at.transfer_report()
            posted = [webhook.url for webhook, _ in at.vendor.runtime.sender.answers]
            paths = [path for _, path in at.vendor.runtime.requests]
            assert not any("refund" in address for address in posted + paths)
            attached.done()

    @BOTH
    @pytest.mark.parametrize("outcome", REFUSED)
    async def test_a_caller_nobody_takes_is_with_the_agent_again(
        self, request_: TransferRequest, outcome: CallOutcome
    ) -> None:
        """With media, and the vendor's word for why.

        If this fails: ask ``switchboard.reissue`` where their media goes, then report
        ``transferred(taken=False)``.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, request_)
            await human.refuses(outcome)
            attached = await self.back(at, call, attached)
            word = self.traits.refused[outcome]
            assert await at.transfer_report() == TransferReport(at.named(call.call_id), False, word)
            attached.done()

    @BOTH
    async def test_a_human_is_rung_no_longer_than_asked(self, request_: TransferRequest) -> None:
        """Then the caller is with the agent again.

        If this fails: give ``ring_timeout_s`` to the vendor, in both kinds of transfer.
        """
        if self.traits.least_ring_s:
            pytest.skip(f"this carrier rings {self.traits.least_ring_s} s at the least")
        brief = TransferRequest(
            target=HUMAN, mode=request_.mode, from_number=OURS, ring_timeout_s=0
        )
        async with self.harness() as at:
            call, _, attached = await self.handed(at, brief)
            attached = await self.back(at, call, attached)
            report = await at.transfer_report()
            cold = request_ is COLD
            word = self.traits.rang_out if cold else self.traits.refused[CallOutcome.NO_ANSWER]
            assert (report.taken, report.status) == (False, word)
            attached.done()

    async def test_a_sip_address_is_a_target_too(self) -> None:
        """As it was given, parameters and all.

        If this fails: name it as the vendor names SIP addresses, or deny ``sip_transfer``.
        """
        target = "sip:desk@rosas.example;transport=tls"
        async with self.harness() as at:
            self.need(at, "sip_transfer")
            _, human, attached = await self.handed(at, TransferRequest(target=target))
            assert human.callee == target
            attached.done()

    @BOTH
    async def test_a_caller_who_leaves_while_it_rings_stops_the_ringing(
        self, request_: TransferRequest
    ) -> None:
        """Nobody answers a telephone for a caller who has gone.

        If this fails: hang up on the human when the caller's line is down.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, request_)
            await call.hangs_up()
            await human.is_with(CallerLocation.ENDED)
            await self.over(at)
            assert CallerLocation.HUMAN not in human.journey
            assert not any(each.taken for each in at.switchboard.transfers)
            assert self.traits.keeps_streams or not at.switchboard.transfers
            assert len(call.streams) == 1
            attached.done()

    @BOTH
    async def test_a_call_that_ends_meanwhile_does_not_come_back(
        self, request_: TransferRequest
    ) -> None:
        """The switchboard has ended it while the human was rung in vain: nobody is left on hold.

        If this fails: hang up when ``reissue`` raises InputError.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, request_)
            at.switchboard.over.add(at.named(call.call_id))
            await human.refuses()
            await human.is_with(CallerLocation.ENDED)
            await call.is_with(CallerLocation.ENDED)
            assert len(call.streams) == 1
            attached.done()

    async def test_a_human_who_hangs_up_during_the_briefing_never_had_the_caller(self) -> None:
        """The caller is with the agent again.

        If this fails: tell a human who was briefed from one who met the caller.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, LONG)
            await human.answers()
            await human.hangs_up()
            attached = await self.back(at, call, attached)
            assert (await at.transfer_report()).taken is False
            attached.done()

    async def test_a_caller_who_leaves_during_the_briefing_lets_the_human_go(self) -> None:
        """They are not kept waiting for somebody who has gone.

        If this fails: hang up on the human when the caller's line is down, answered or not.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, LONG)
            await human.answers()
            at.switchboard.over.add(at.named(call.call_id))
            await call.hangs_up()
            await human.is_with(CallerLocation.ENDED)
            assert CallerLocation.HUMAN not in human.journey
            assert not any(each.taken for each in at.switchboard.transfers)
            attached.done()

    async def test_a_caller_who_is_gone_when_the_human_answers_is_not_waited_for(self) -> None:
        """The end of their call may be known here before the vendor knows it.

        If this fails: ask ``reissue`` before the human is let in, and let them go if it raises.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, WARM)
            at.switchboard.over.add(at.named(call.call_id))
            await human.answers()
            await human.is_with(CallerLocation.ENDED)
            assert CallerLocation.HUMAN not in human.journey
            attached.done()

    async def test_a_caller_who_leaves_the_talk_ends_it_for_the_human(self) -> None:
        """Nobody is left alone on a line.

        If this fails: connect them such that the leaving of either ends it.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, WARM)
            await human.answers()
            await call.is_with(CallerLocation.HUMAN)
            await call.hangs_up()
            await human.is_with(CallerLocation.ENDED)
            attached.done()

    @BOTH
    async def test_an_agent_who_hangs_up_on_hold_stops_the_ringing_too(
        self, request_: TransferRequest
    ) -> None:
        """The call is over for all who were in it.

        If this fails: let ``hangup`` end the call to the human as well.
        """
        async with self.harness() as at:
            call, human, attached = await self.handed(at, request_)
            await at.line.hangup(call.call_id)
            await human.is_with(CallerLocation.ENDED)
            await call.is_with(CallerLocation.ENDED)
            attached.done()

    async def test_a_human_who_cannot_be_rung_leaves_the_caller_with_us(self) -> None:
        """And whoever asked is told why not.

        If this fails: raise what the vendor says, and fetch the caller back if they were moved.
        """
        wrong = TransferRequest(target="extension 5", mode="warm", from_number=OURS)
        async with self.harness() as at:
            self.need(at, "warm_transfer")
            call, attached = await at.inbound()
            with pytest.raises(PatterError) as raised:
                await at.line.transfer(call.call_id, wrong)
            has_fix(raised.value)
            await call.is_with(CallerLocation.AGENT)
            assert not any(each.taken for each in at.switchboard.transfers)
            attached.done()

    async def test_nobody_is_rung_for_a_caller_who_is_gone(self) -> None:
        """Whoever asked for it is told.

        If this fails: put the caller on hold before the human is dialled.
        """
        if self.traits.keeps_streams:
            pytest.skip("this carrier rings a human without moving the caller")
        async with self.harness() as at:
            self.need(at, "warm_transfer")
            call, attached = await at.inbound()
            await call.hangs_up()
            with pytest.raises(PatterError) as raised:
                await at.line.transfer(call.call_id, WARM)
            has_fix(raised.value)
            assert all(human.over for human in call.humans)
            attached.done()

    async def test_a_second_human_is_rung_after_the_first_refused(self) -> None:
        """The same one, as likely as not.

        If this fails: keep apart what is reported of each, by the vendor's id of their call.
        """
        async with self.harness() as at:
            call, first, attached = await self.handed(at, WARM)
            await first.refuses()
            attached = await self.back(at, call, attached)
            await at.transfer_report()
            await at.line.transfer(call.call_id, WARM)
            if not self.traits.keeps_streams:
                attached.done()
            second = await call.human(2)
            assert second.callee == HUMAN
            await second.answers()
            await call.is_with(CallerLocation.HUMAN)
            await until(lambda: len(at.switchboard.transfers) == 2)
            assert [each.taken for each in at.switchboard.transfers] == [False, True]
            attached.done()

    @pytest.mark.parametrize("seed", range(3))
    @BOTH
    async def test_on_a_bad_day_the_caller_still_ends_up_somewhere(
        self, request_: TransferRequest, seed: int
    ) -> None:
        """Whatever the order in which webhooks come, how often, how late, and forged among them.

        If this fails: let each handler work alone, from what its webhook says.
        """
        faults = Faults(late=0.5, late_ms=60, twice=0.4, reordered=0.3, forged=0.3, seed=seed)
        async with self.harness(faults) as at:
            call, human, attached = await self.handed(at, request_)
            await human.refuses(CallOutcome.BUSY)
            attached = await self.back(at, call, attached)
            assert (await at.transfer_report()).taken is False
            assert not any(each.taken for each in at.switchboard.transfers)
            assert not at.vendor.runtime.sender.forgeries_taken
            attached.done()
            await call.hangs_up()
            await self.over(at)
