"""Calls over the double: they come, are placed, go on after a lost socket, and end once."""

from __future__ import annotations

import asyncio

import pytest

from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome, Dtmf, Hangup, MarkPlayed
from patter.providers.context import Direction
from patter.testing.desk import Detection, RecordingReport, Report
from patter.testing.doubles.call import Where
from patter.testing.doubles.stream import Ended
from patter_plivo.double import PlivoDouble

from .stage import OURS, THEIRS, stage, until

SECOND = bytes(range(1, 101)) * 80


async def test_a_call_that_comes_in_is_rung_and_streamed() -> None:
    async with stage() as at:
        call, attached = await at.inbound(caller=THEIRS, headers={"X-Table": "seven\u2028{x}"})
        (incoming,) = at.desk.rung
        assert (incoming.caller, incoming.callee) == (THEIRS, OURS)
        assert incoming.carrier_call_id == call.call_id
        assert incoming.account == at.company.account
        assert incoming.direction is Direction.INBOUND
        assert incoming.variables == {"X-Table": "seven{x}"}
        assert attached.leg.audio == call.leg.audio
        assert call.status == "in-progress"
        attached.done()


async def test_audio_marks_and_keys_go_both_ways() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        leg = attached.leg
        await leg.send(SECOND[:800])
        await leg.mark("said")
        call.leg.speak(SECOND[:160])
        call.leg.press("7")
        events = aiter(leg)
        got = [await anext(events) for _ in range(3)]
        assert got[:2] == [SECOND[:160], Dtmf("7")]
        assert got[2] == MarkPlayed("said")
        assert call.leg.heard() == SECOND[:800]
        assert not call.streams[0].malformed
        attached.done()


async def test_a_clear_stops_what_is_played_and_returns_each_mark_once() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await attached.leg.send(SECOND)
        await attached.leg.mark("end")
        await attached.leg.clear()
        await attached.leg.mark("after")
        events = aiter(attached.leg)
        assert [await anext(events), await anext(events)] == [
            MarkPlayed("end"),
            MarkPlayed("after"),
        ]
        assert len(call.leg.heard()) < len(SECOND)
        attached.done()


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_not_taken_again() -> None:
    async with stage() as at:
        at.desk.full = True
        call = at.company.rings()
        await call.is_with(Where.ENDED)
        assert call.status == "busy"
        at.desk.full = False
        over = at.company.rings()
        at.desk.over.add(at.named(over.call_id))
        await over.is_with(Where.ENDED)
        assert (over.status, len(over.streams)) == ("rejected", 0)


@pytest.mark.parametrize("stop_frames", [True, False])
async def test_a_caller_who_hangs_up_is_told_by_the_line_if_not_by_the_stream(
    stop_frames: bool,
) -> None:
    async with stage(double=PlivoDouble(numbers=(OURS,), stop_frames=stop_frames)) as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        events = [event async for event in attached.leg]
        assert events == ([Hangup("stop")] if stop_frames else [])
        await until(lambda: bool(at.desk.reports))
        assert at.desk.reports == [Report(at.named(call.call_id), "completed", None)]
        attached.done()


async def test_a_lost_socket_comes_back_to_the_same_call() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        call.drops()
        assert not [event async for event in attached.leg]
        attached.done()
        await call.up(2)
        again = await at.next_leg()
        assert again.call_id == attached.call_id
        assert call.streams[0].ended is Ended.DROPPED
        assert call.journey == [Where.RINGING, Where.AGENT]
        again.done()


async def test_a_lost_socket_of_a_call_that_is_over_ends_it() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        at.desk.over.add(at.named(call.call_id))
        attached.done()
        await call.is_with(Where.ENDED)
        assert call.status == "completed"


async def test_a_call_we_place_is_bound_to_its_ticket() -> None:
    async with stage() as at:
        call = await at.outbound()
        assert (call.caller, call.callee, call.direction) == (OURS, THEIRS, Direction.OUTBOUND)
        await until(lambda: bool(at.desk.reports))
        assert at.desk.reports == [Report(at.named(call.call_id), "ringing", None)]
        await call.answers()
        await call.up()
        attached = await at.next_leg()
        assert attached.call_id == "call-1"
        assert not at.desk.rung
        assert not at.desk.detections
        attached.done()


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (CallOutcome.BUSY, "busy"),
        (CallOutcome.NO_ANSWER, "no-answer"),
        (CallOutcome.FAILED, "failed"),
        (CallOutcome.CANCELED, "cancel"),
    ],
)
async def test_a_call_nobody_takes_has_a_typed_outcome(outcome: CallOutcome, status: str) -> None:
    async with stage() as at:
        call = await at.outbound()
        await call.refuses(outcome)
        await until(lambda: len(at.desk.reports) == 2)
        assert at.desk.reports[1] == Report(at.named(call.call_id), status, outcome)


async def test_a_call_rings_no_longer_than_asked() -> None:
    async with stage() as at:
        call = await at.outbound(ring_timeout_s=0)
        await call.is_with(Where.ENDED)
        await until(lambda: len(at.desk.reports) == 2)
        assert at.desk.reports[1].outcome is CallOutcome.NO_ANSWER


async def test_a_machine_is_told_and_stays_on_the_line() -> None:
    async with stage() as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(Answerer.MACHINE, greeting_ms=200)
        await call.up()
        attached = await at.next_leg()
        await until(lambda: bool(at.desk.detections))
        who = at.named(call.call_id)
        assert at.desk.detections == [Detection(who, Answerer.MACHINE, False, "Machine=true")]
        assert len(call.streams) == 1
        attached.done()


async def test_nobody_asks_who_answers_unless_told_to() -> None:
    async with stage() as at:
        call = await at.outbound()
        await call.answers(Answerer.MACHINE, greeting_ms=0)
        await call.up()
        attached = await at.next_leg()
        await attached.leg.mark("now")
        assert await anext(aiter(attached.leg)) == MarkPlayed("now")
        assert not at.desk.detections
        attached.done()


async def test_a_call_is_hung_up_however_it_stands_and_twice_is_fine() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await at.line.hangup(call.call_id)
        assert call.over
        await at.line.hangup(call.call_id)
        ringing = await at.outbound()
        await at.line.hangup(ringing.call_id)
        assert ringing.status == "cancel"
        await at.line.hangup("00000000-0000-0000-0000-000000000000")
        attached.done()


async def test_keys_are_pressed_with_their_pauses() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        started = asyncio.get_running_loop().time()
        await at.line.send_dtmf(call.call_id, "12w#")
        assert asyncio.get_running_loop().time() - started >= 0.5
        assert call.digits == "12#"
        with pytest.raises(InputError, match="not keys"):
            await at.line.send_dtmf(call.call_id, "12;")
        attached.done()


async def test_a_recording_is_told_when_it_can_be_fetched() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await at.line.start_recording(call.call_id)
        assert call.recorded == 1
        await call.hangs_up()
        await until(lambda: bool(at.desk.recordings))
        (told,) = at.desk.recordings
        assert told == RecordingReport(at.named(call.call_id), told.url)
        assert told.url.endswith(".mp3")
        attached.done()


async def test_the_price_is_what_the_hang_up_says_or_the_record() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        assert await at.line.price(call.call_id) == 0.0055
        attached.done()
        quiet, attached = await at.inbound()
        at.company.lines[quiet.call_id].orders = type(at.company.lines[quiet.call_id].orders)()
        await quiet.hangs_up()
        assert await at.line.price(quiet.call_id) == 0.0055
        attached.done()


async def test_nobody_knows_the_price_of_a_call_that_lasts() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        assert await at.line.price(call.call_id) is None
        attached.done()
