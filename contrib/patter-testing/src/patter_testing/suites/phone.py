"""What a whole phone does, whatever carrier it is on: it greets, hands over, and ends once.

The real server, the real agent and the vendor's double; only hearing, thinking and speaking
are fakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from patter.phone.results import CallResult
from patter.providers.carrier import Answerer, CallOutcome
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, THEIRS, until
from patter_testing.doubles.phone import Phone, handing_over, phone
from patter_testing.fakes.llm import Reply
from patter_testing.fakes.vad import FakeVAD
from patter_testing.suites.on_double import DoubleSuite
from patter_testing.suites.transfers import JOINED

MODES = pytest.mark.parametrize("mode", ["cold", "warm"])
UNTAKEN = (CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED, CallOutcome.CANCELED)


def bad_day(seed: int) -> Faults:
    """Everything goes wrong now and then."""
    return Faults(
        late=0.3, late_ms=100, twice=0.3, reordered=0.2, forged=0.3, jitter_ms=20,
        dropped=0.3, dropped_ms=300, slow=0.2, slow_ms=100, limited=0.05, broken=0.05, seed=seed,
    )  # fmt: skip


class PhoneSuite(DoubleSuite):
    """Subclass, name the simulator and how its vendor says things, as for `CallsSuite`."""

    @asynccontextmanager
    async def phone(
        self,
        *replies: Reply | str,
        faults: Faults | None = None,
        vad: Any = "none",
        **serving: Any,
    ) -> AsyncIterator[Phone]:
        """An agent that gives *replies*, served behind the simulator on a day with *faults*."""
        double = type(self).double(numbers=(OURS,), faults=faults or Faults())
        async with phone(double, replies, vad=vad, **serving) as it:
            yield it

    async def test_a_caller_is_greeted_answered_and_written_down_once(self) -> None:
        """The plainest call there is.

        If this fails: start with `CallsSuite`, which takes the agent out of it.
        """
        async with self.phone("We are open.") as it:
            call = await it.greeted()
            it.hears("are you open")
            await it.says("We are open.")
            await call.hangs_up()
            end = await it.over()
            assert end["call_id"]
            await asyncio.sleep(0)
            assert len(it.ended) == 1
            assert not call.streams[0].malformed

    async def test_a_caller_whose_socket_breaks_goes_on_with_the_same_agent(self) -> None:
        """They are one call, which ends once.

        If this fails: see `CallsSuite.test_a_lost_socket_comes_back_to_the_same_call`.
        """
        async with self.phone("Still here.") as it:
            call = await it.greeted()
            call.drops()
            await call.up(2)
            it.hears("are you still there, then")
            await it.says("Still here.")
            await until(lambda: bool(call.leg.heard()))
            assert not it.ended
            await call.hangs_up()
            await it.over()
            assert len(it.ended) == 1

    @MODES
    async def test_a_human_takes_the_caller_and_the_agent_is_done(self, mode: str) -> None:
        """The record ends when the human has taken the call; the call itself goes on.

        If this fails: report ``transferred(taken=True)``, and leave the caller's line alone.
        """
        async with self.phone(handing_over(mode), "Bye.") as it:
            call = await it.greeted()
            it.hears("a human please")
            human = await call.human()
            assert human.caller == OURS
            await human.answers()
            await call.is_with(CallerLocation.HUMAN)
            await it.over()
            assert call.where is CallerLocation.HUMAN
            await human.hangs_up()
            await call.is_with(CallerLocation.ENDED)
            assert call.journey == JOINED
            assert len(it.ended) == 1

    @MODES
    async def test_a_caller_nobody_takes_is_with_the_agent_again(self, mode: str) -> None:
        """And the agent goes on where it was.

        If this fails: see the test of that name in `TransfersSuite`.
        """
        async with self.phone(handing_over(mode), "They are busy.") as it:
            call = await it.greeted()
            it.hears("a human please")
            human = await call.human()
            before = len(call.leg.heard())
            await human.refuses(CallOutcome.BUSY)
            if self.traits.keeps_streams:
                await until(lambda: len(call.leg.heard()) > before)
            else:
                await call.up(2)
                await until(lambda: bool(call.leg.heard()))
            assert call.where is CallerLocation.AGENT
            it.hears("what now")
            await it.says("They are busy.")
            await call.hangs_up()
            await it.over()
            assert len(it.ended) == 1

    @MODES
    async def test_a_caller_who_hangs_up_on_hold_ends_the_call(self, mode: str) -> None:
        """Once, and nobody is rung for them any more.

        If this fails: report the end of a caller's line also while they are on hold.
        """
        async with self.phone(handing_over(mode)) as it:
            call = await it.greeted()
            it.hears("a human please")
            human = await call.human()
            await call.is_with(CallerLocation.HOLD)
            await call.hangs_up()
            await it.over()
            await human.is_with(CallerLocation.ENDED)
            assert len(call.streams) == 1

    async def test_a_call_we_place_ends_with_its_result(self) -> None:
        """It was answered, talked, and hung up.

        If this fails: see the outbound tests of `CallsSuite`.
        """
        async with self.phone() as it, asyncio.TaskGroup() as tasks:
            placing = tasks.create_task(it.patter.call(THEIRS, first_message="Hi Ada.", wait=True))
            call = await it.vendor.dialled()
            await call.answers()
            await call.up()
            await it.says("Hi Ada.")
            await call.hangs_up()
            result = await placing
        assert isinstance(result, CallResult)
        assert result.outcome is CallOutcome.ANSWERED

    @pytest.mark.parametrize("outcome", UNTAKEN)
    async def test_a_call_nobody_takes_ends_with_its_result(self, outcome: CallOutcome) -> None:
        """Whoever waits for it is told why.

        If this fails: see the test of outcomes in `CallsSuite`.
        """
        async with self.phone() as it, asyncio.TaskGroup() as tasks:
            placing = tasks.create_task(it.patter.call(THEIRS, wait=True))
            call = await it.vendor.dialled()
            await call.refuses(outcome)
            result = await placing
        assert isinstance(result, CallResult)
        assert result.outcome is outcome

    async def test_a_machine_is_left_a_message(self) -> None:
        """After its beep, or once it is silent where the vendor tells no beep.

        If this fails: tell ``beep=True`` when the greeting has ended, not before.
        """
        async with self.phone(vad=FakeVAD()) as it, asyncio.TaskGroup() as tasks:
            placing = tasks.create_task(
                it.patter.call(THEIRS, voicemail_message="Call us back.", wait=True)
            )
            call = await it.vendor.dialled()
            await call.answers(Answerer.MACHINE, greeting_ms=300)
            await it.says("Call us back.")
            result = await placing
        assert isinstance(result, CallResult)
        assert result.outcome is CallOutcome.VOICEMAIL
        assert call.over

    async def test_without_a_message_a_machine_is_hung_up_on(self) -> None:
        """At once, not after its greeting.

        If this fails: tell the machine when it is known, and its beep later.
        """
        async with self.phone() as it, asyncio.TaskGroup() as tasks:
            placing = tasks.create_task(it.patter.call(THEIRS, machine_detection=True, wait=True))
            call = await it.vendor.dialled()
            await call.answers(Answerer.MACHINE, greeting_ms=300)
            result = await placing
        assert isinstance(result, CallResult)
        assert result.outcome is CallOutcome.VOICEMAIL
        assert call.over

    async def test_ending_a_call_by_its_id_hangs_up_at_the_vendor(self) -> None:
        """The line is down, not only the media.

        If this fails: see the tests of ``hangup`` in `CallsSuite`.
        """
        async with self.phone() as it:
            call = await it.greeted()
            await it.patter.end_call(it.stt.sessions[-1].call.call_id)
            await call.is_with(CallerLocation.ENDED)
            await it.over()

    async def test_a_recording_is_asked_of_the_vendor(self) -> None:
        """Once for each call.

        If this fails: see the test of ``start_recording`` in `CallsSuite`.
        """
        async with self.phone(recording=True) as it:
            call = await it.greeted()
            await until(lambda: call.recorded == 1)
            await call.hangs_up()
            await it.over()

    async def test_what_the_vendor_charges_is_the_cost_of_the_line(self) -> None:
        """Not the list price, when it says what it was.

        If this fails: see the test of ``price`` in `CallsSuite`.
        """
        async with self.phone() as it:
            call = await it.greeted()
            await call.hangs_up()
            end = await it.over()
            assert end["metrics"].cost.telephony == pytest.approx(self.traits.usd)

    @pytest.mark.parametrize("seed", range(2))
    async def test_on_a_bad_day_every_call_still_ends_once(self, seed: int) -> None:
        """Whatever is late, doubled, forged, broken or slow.

        If this fails: run it again with its seed; the same things go wrong again.
        """
        async with self.phone(faults=bad_day(seed)) as it:
            calls = [it.vendor.rings(caller=THEIRS) for _ in range(8)]
            await asyncio.gather(*(call.up() for call in calls))
            await asyncio.gather(*(call.hangs_up() for call in calls))
            await it.over(len(calls))
            assert len({end["call_id"] for end in it.ended}) == len(it.ended) == len(calls)
            assert not it.vendor.runtime.sender.forgeries_taken
