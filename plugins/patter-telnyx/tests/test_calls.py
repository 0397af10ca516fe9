"""Calls over Telnyx: as every carrier has them, and what is Telnyx's alone."""

from __future__ import annotations

import asyncio

import pytest

from patter.audio.formats import PCM16_16K
from patter.errors import ProvisionError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    DialRequest,
)
from patter_telnyx.double import TelnyxDouble
from patter_testing import CallsSuite
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, THEIRS, until
from patter_testing.doubles.stream import Ended
from patter_testing.switchboard import Detection, Report

from .harness import TRAITS, harness

SECOND = bytes(range(1, 101)) * 80


class TestCalls(CallsSuite):
    double = TelnyxDouble
    traits = TRAITS


async def test_frames_that_overtook_each_other_are_heard_in_order() -> None:
    async with harness(scrambled=True) as at:
        call, attached = await at.inbound()
        said = [bytes([number]) * 160 for number in range(1, 21)]
        for each in said:
            call.leg.speak(each)
        events = aiter(attached.events())
        assert [await anext(events) for _ in said[:18]] == said[:18]
        attached.done()


@pytest.mark.parametrize("big_endian", [False, True])
async def test_wide_audio_goes_both_ways(big_endian: bool) -> None:
    options = {"codec": "L16", "l16_big_endian": big_endian}
    async with harness(options) as at:
        call, attached = await at.inbound()
        assert attached.leg.audio == call.leg.audio == PCM16_16K
        await attached.leg.send(SECOND[:640])
        call.leg.speak(SECOND[:640])
        (heard,) = [await anext(aiter(attached.events()))]
        await until(lambda: len(call.leg.heard()) == 640)
        swapped = bytearray(640)
        swapped[0::2], swapped[1::2] = SECOND[1:640:2], SECOND[:640:2]
        expected = bytes(swapped) if big_endian else SECOND[:640]
        assert heard == call.leg.heard() == expected
        attached.done()


async def test_a_caller_who_leaves_before_we_answer_has_cancelled() -> None:
    async with harness() as at:
        at.vendor.reaches("http://127.0.0.1:1")
        call = at.vendor.rings()
        at.vendor.reaches(at.url)
        await call.hangs_up()
        report = Report(at.named(call.call_id), "originator_cancel", CallOutcome.CANCELED)
        await until(lambda: report in at.switchboard.reports)


async def test_a_lost_socket_of_a_call_that_is_over_is_left_alone() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.switchboard.over.add(at.named(call.call_id))
        call.drops()
        _ = [event async for event in attached.leg]
        attached.done()
        await at.posted("streaming.failed")
        assert (at.actions("streaming_start"), at.actions("hangup")) == (0, 0)


async def test_a_media_socket_that_cannot_be_opened_is_asked_for_once_more() -> None:
    async with harness() as at:
        at.switchboard.public_host = "127.0.0.1:1"
        call = at.vendor.rings()
        await until(lambda: at.actions("answer") == 1)
        await until(lambda: at.actions("streaming_start") == 1)
        await until(lambda: all(each.ended is Ended.REFUSED for each in call.streams))
        await at.posted("streaming.failed", 2)
        assert at.actions("streaming_start") == 1


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_not_answered() -> None:
    async with harness() as at:
        at.switchboard.full = True
        call = at.vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert at.actions("reject") == 1
        at.switchboard.full = False
        late = at.vendor.rings()
        at.switchboard.over.add(at.named(late.call_id))
        answers = at.vendor.runtime.sender.answers
        await until(lambda: any(late.call_id.encode() in hook.body for hook, _ in answers))
        assert (late.status, late.streams, at.actions("answer")) == ("ringing", [], 0)


async def test_a_dial_that_is_given_again_rings_once() -> None:
    async with harness() as at:
        ticket = at.switchboard.issue("telnyx")
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, ring_timeout_s=1
        )
        first, second = [await at.line.dial(request) for _ in range(2)]
        assert first == second
        assert len(at.vendor.lines) == 1
        await at.posted("call.initiated")


async def test_a_number_that_is_not_ours_cannot_be_called_from() -> None:
    async with harness() as at:
        ticket = at.switchboard.issue("telnyx")
        request = DialRequest(call_id="c", to=THEIRS, from_number=THEIRS, ticket=ticket)
        with pytest.raises(ProvisionError, match="D51") as raised:
            await at.line.dial(request)
        assert "number of this account" in raised.value.fix


@pytest.mark.parametrize(
    ("by", "answerer", "premium", "standard"),
    [
        (Answerer.HUMAN, Answerer.HUMAN, "human_residence", "human"),
        (Answerer.MACHINE, Answerer.MACHINE, "machine", "machine"),
        (Answerer.UNKNOWN, Answerer.UNKNOWN, "not_sure", "not_sure"),
    ],
)
@pytest.mark.parametrize("kind", ["premium", "greeting_end"])
async def test_who_answered_is_told_by_both_kinds_of_detection(
    kind: str, by: Answerer, answerer: Answerer, premium: str, standard: str
) -> None:
    async with harness({"machine_detection": kind}) as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(by, greeting_ms=40)
        await call.up()
        attached = await at.next_leg()
        named = at.named(call.call_id)
        raw = premium if kind == "premium" else standard
        told = [Detection(named, answerer, False, raw)]
        if by is Answerer.MACHINE:
            told.append(Detection(named, answerer, True, "beep_detected"))
        await until(lambda: len(at.switchboard.detections) == len(told))
        assert at.switchboard.detections == told
        attached.done()


async def test_a_fax_is_told_as_one() -> None:
    async with harness() as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(Answerer.FAX)
        attached = await at.next_leg()
        await until(lambda: bool(at.switchboard.detections))
        assert at.switchboard.detections[0].answerer is Answerer.FAX
        attached.done()


async def test_the_price_is_waited_for_and_told_once_telnyx_says_it() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(at.line.price(call.call_id))
            await call.hangs_up()
        assert asked.result() == pytest.approx(0.0055)
        attached.done()


async def test_a_price_that_came_first_is_kept() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        await at.posted("call.cost")
        assert await at.line.price(call.call_id) == pytest.approx(0.0055)
        attached.done()


async def test_every_event_may_come_twice() -> None:
    async with harness(faults=Faults(twice=1.0)) as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))
        await at.posted("call.cost", 2)
        assert len(at.switchboard.rung) == len(call.streams) == 1
        assert len(at.switchboard.reports) == 2
        attached.done()
