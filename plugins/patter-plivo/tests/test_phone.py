"""A whole phone on the double: as on every carrier, with an application, and without words."""

from __future__ import annotations

import pytest

from patter.providers.carrier import CallOutcome
from patter_plivo.double import PlivoAccountDouble, PlivoDouble
from patter_testing import PhoneSuite
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HOST, HUMAN, OURS, until
from patter_testing.doubles.phone import handing_over, phone
from patter_testing.suites.phone import bad_day
from patter_testing.suites.transfers import JOINED

from .harness import TRAITS

WORDLESS = PlivoDouble(numbers=(OURS,), stop_frames=False)


class TestPhone(PhoneSuite):
    double = PlivoDouble
    traits = TRAITS


async def test_serving_points_the_number_at_the_phone_through_one_application() -> None:
    async with phone(PlivoDouble(numbers=(OURS,))) as it:
        vendor: PlivoAccountDouble = it.vendor  # type: ignore[assignment]
        (application,) = vendor.applications.values()
        assert application.answer_url == f"https://{HOST}/webhooks/plivo/voice"
        (number,) = vendor.numbers.values()
        assert number.app_id == application.app_id


async def test_a_call_whose_stream_ends_without_a_word_ends_once() -> None:
    async with phone(WORDLESS, ["We are open."]) as it:
        call = await it.greeted()
        it.hears("are you open")
        await it.says("We are open.")
        await call.hangs_up()
        await it.over()
        assert len(it.ended) == 1
        assert not call.streams[0].malformed


@pytest.mark.parametrize("mode", ["cold", "warm"])
async def test_a_human_takes_a_caller_whose_stream_ends_without_a_word(mode: str) -> None:
    async with phone(WORDLESS, [handing_over(mode), "Bye."]) as it:
        call = await it.greeted()
        it.hears("a human please")
        human = await call.human()
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await it.over()
        assert call.where is CallerLocation.HUMAN
        await human.hangs_up()
        await call.is_with(CallerLocation.ENDED)
        assert call.journey == JOINED
        assert len(it.ended) == 1


@pytest.mark.parametrize("mode", ["cold", "warm"])
@pytest.mark.parametrize(("seed", "taken"), [(0, True), (7, False)])
async def test_on_a_bad_day_a_caller_still_ends_up_with_somebody(
    seed: int, taken: bool, mode: str
) -> None:
    double = PlivoDouble(numbers=(OURS,), faults=bad_day(seed))
    async with phone(double, [handing_over(mode)]) as it:
        call = await it.greeted()
        it.hears("a human please")
        human = await call.human()
        assert human.callee == HUMAN
        if taken:
            await human.answers()
            await call.is_with(CallerLocation.HUMAN)
            await it.over()
        else:
            streams = len(call.streams)
            await human.refuses(CallOutcome.BUSY)
            await call.up(streams + 1)
            await until(lambda: call.where is CallerLocation.AGENT and bool(call.leg.heard()))
        await call.hangs_up()
        await it.over()
        assert len(it.ended) == 1
        assert not it.vendor.runtime.sender.forgeries_taken
