"""Calls over Plivo: as every carrier has them, and what is Plivo's alone."""

from __future__ import annotations

import asyncio

import pytest

from patter.errors import InputError
from patter_plivo.double import PlivoDouble
from patter_testing import CallsSuite
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import OURS, until
from patter_testing.switchboard import Report

from .harness import TRAITS, harness


class TestCalls(CallsSuite):
    double = PlivoDouble
    traits = TRAITS


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_not_taken_again() -> None:
    async with harness() as at:
        at.switchboard.full = True
        call = at.vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "busy"
        at.switchboard.full = False
        over = at.vendor.rings()
        at.switchboard.over.add(at.named(over.call_id))
        await over.is_with(CallerLocation.ENDED)
        assert (over.status, len(over.streams)) == ("rejected", 0)


async def test_a_caller_who_hangs_up_is_told_by_the_line_if_not_by_the_stream() -> None:
    async with harness(double=PlivoDouble(numbers=(OURS,), stop_frames=False)) as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        assert not [event async for event in attached.events()]
        await until(lambda: bool(at.switchboard.reports))
        assert at.switchboard.reports == [Report(at.named(call.call_id), "completed", None)]
        attached.done()


async def test_a_lost_socket_of_a_call_that_is_over_ends_it() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.switchboard.over.add(at.named(call.call_id))
        attached.done()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "completed"


async def test_keys_are_pressed_with_their_pauses() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        started = asyncio.get_running_loop().time()
        await at.line.send_dtmf(call.call_id, "12w#")
        assert asyncio.get_running_loop().time() - started >= 0.5
        assert call.digits == "12#"
        with pytest.raises(InputError, match="not keys"):
            await at.line.send_dtmf(call.call_id, "12;")
        attached.done()


async def test_the_price_is_what_the_hang_up_says_or_the_record() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        assert await at.line.price(call.call_id) == 0.0055
        attached.done()
        quiet, attached = await at.inbound()
        at.vendor.lines[quiet.call_id].orders = type(at.vendor.lines[quiet.call_id].orders)()
        await quiet.hangs_up()
        assert await at.line.price(quiet.call_id) == 0.0055
        attached.done()


async def test_nobody_knows_the_price_of_a_call_that_lasts() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        assert await at.line.price(call.call_id) is None
        attached.done()


async def test_a_call_that_rings_is_canceled() -> None:
    async with harness() as at:
        call = await at.outbound()
        await at.line.hangup(call.call_id)
        assert call.status == "cancel"
