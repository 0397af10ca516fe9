"""Calls over Twilio: as every carrier has them, and what is Twilio's alone."""

from __future__ import annotations

import attrs
import pytest

from patter.errors import InputError
from patter_testing import CallsSuite
from patter_testing.doubles.call import CallerLocation
from patter_twilio.double import TwilioDouble

from .harness import TRAITS, harness


class TestCalls(CallsSuite):
    double = TwilioDouble
    traits = TRAITS


@pytest.mark.parametrize("sid", ["", "CA12", "../Calls", "CA" + "g" * 32, "PN" + "0" * 32])
async def test_what_is_no_call_is_asked_of_nobody(sid: str) -> None:
    async with harness() as at:
        with pytest.raises(InputError):
            await at.line.hangup(sid)
        assert not at.vendor.runtime.requests


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_hung_up() -> None:
    async with harness() as at:
        at.switchboard.full = True
        call = at.vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "busy"
        at.switchboard.full = False
        late = at.vendor.rings()
        at.switchboard.over.add(at.named(late.call_id))
        await late.is_with(CallerLocation.ENDED)
        assert (late.status, late.streams) == ("completed", [])


async def test_a_call_that_rings_is_canceled() -> None:
    async with harness() as at:
        call = await at.outbound()
        await at.line.hangup(call.call_id)
        assert call.status == "canceled"


async def test_nobody_knows_the_price_of_a_call_that_lasts() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        assert await at.line.price(call.call_id) is None
        attached.done()


async def test_a_price_in_other_money_is_no_price() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.vendor.settings = attrs.evolve(at.vendor.settings, currency="EUR")
        await call.hangs_up()
        assert await at.line.price(call.call_id) is None
        attached.done()


async def test_it_rings_no_longer_than_twilio_allows() -> None:
    async with harness() as at:
        call = await at.outbound(ring_timeout_s=700)
        assert at.vendor.lines[call.call_id].orders.timeout_s == 600
