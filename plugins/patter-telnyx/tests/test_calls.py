"""Calls over the double: they come, are placed, go on after a lost socket, and end once."""

from __future__ import annotations

import asyncio

import pytest

from patter.audio.formats import PCM16_16K
from patter.errors import ProvisionError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    DialRequest,
    Dtmf,
    Hangup,
    MarkPlayed,
)
from patter.providers.context import Direction
from patter.testing.desk import Detection, RecordingReport, Report
from patter.testing.doubles.call import Where
from patter.testing.doubles.faults import Faults
from patter.testing.doubles.stream import Ended

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
        assert call.status == "answered"
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
        assert got == [SECOND[:160], Dtmf("7"), MarkPlayed("said")]
        assert call.leg.heard() == SECOND[:800]
        assert not call.streams[0].malformed
        attached.done()


async def test_frames_that_overtook_each_other_are_heard_in_order() -> None:
    async with stage(scrambled=True) as at:
        call, attached = await at.inbound()
        said = [bytes([number]) * 160 for number in range(1, 21)]
        for each in said:
            call.leg.speak(each)
        events = aiter(attached.leg)
        assert [await anext(events) for _ in said[:18]] == said[:18]
        attached.done()


@pytest.mark.parametrize("big_endian", [False, True])
async def test_wide_audio_goes_both_ways(big_endian: bool) -> None:
    options = {"codec": "L16", "l16_big_endian": big_endian}
    async with stage(options) as at:
        call, attached = await at.inbound()
        assert attached.leg.audio == call.leg.audio == PCM16_16K
        await attached.leg.send(SECOND[:640])
        call.leg.speak(SECOND[:640])
        (heard,) = [await anext(aiter(attached.leg))]
        await until(lambda: len(call.leg.heard()) == 640)
        swapped = bytearray(640)
        swapped[0::2], swapped[1::2] = SECOND[1:640:2], SECOND[:640:2]
        expected = bytes(swapped) if big_endian else SECOND[:640]
        assert heard == call.leg.heard() == expected
        attached.done()


async def test_a_clear_stops_what_is_played_and_returns_its_marks() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await attached.leg.send(SECOND)
        await attached.leg.mark("end")
        await attached.leg.clear()
        assert await anext(aiter(attached.leg)) == MarkPlayed("end")
        assert len(call.leg.heard()) < len(SECOND)
        attached.done()


async def test_a_caller_who_hangs_up_is_reported() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        assert [event async for event in attached.leg] == [Hangup("stop")]
        await until(lambda: len(at.desk.reports) == 2)
        assert {(each.status, each.outcome) for each in at.desk.reports} == {
            ("answered", None),
            ("completed", None),
        }
        assert {each.call for each in at.desk.reports} == {at.named(call.call_id)}
        attached.done()


async def test_a_caller_who_leaves_before_we_answer_has_cancelled() -> None:
    async with stage() as at:
        at.company.reaches("http://127.0.0.1:1")
        call = at.company.rings()
        at.company.reaches(at.url)
        await call.hangs_up()
        report = Report(at.named(call.call_id), "originator_cancel", CallOutcome.CANCELED)
        await until(lambda: report in at.desk.reports)


async def test_a_lost_socket_comes_back_with_a_fresh_ticket() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        for round_ in (2, 3):
            call.drops()
            assert not [event async for event in attached.leg if isinstance(event, Hangup)]
            attached.done()
            await call.up(round_)
            attached = await at.next_leg()
        assert attached.call_id == "call-1"
        assert call.where is Where.AGENT
        attached.done()


async def test_a_lost_socket_of_a_call_that_is_over_is_left_alone() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        at.desk.over.add(at.named(call.call_id))
        call.drops()
        _ = [event async for event in attached.leg]
        attached.done()
        await at.posted("streaming.failed")
        assert (at.actions("streaming_start"), at.actions("hangup")) == (0, 0)


async def test_a_media_socket_that_cannot_be_opened_is_asked_for_once_more() -> None:
    async with stage() as at:
        at.desk.public_host = "127.0.0.1:1"
        call = at.company.rings()
        await until(lambda: at.actions("answer") == 1)
        await until(lambda: at.actions("streaming_start") == 1)
        await until(lambda: all(each.ended is Ended.REFUSED for each in call.streams))
        await at.posted("streaming.failed", 2)
        assert at.actions("streaming_start") == 1


async def test_hanging_up_ends_the_call_and_its_stream() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await at.line.hangup(call.call_id)
        assert [event async for event in attached.leg] == [Hangup("stop")]
        await call.is_with(Where.ENDED)
        assert call.streams[0].ended is Ended.CARRIER
        await at.line.hangup(call.call_id)
        await at.line.hangup("v3:nobody/../x")
        attached.done()


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_not_answered() -> None:
    async with stage() as at:
        at.desk.full = True
        call = at.company.rings()
        await call.is_with(Where.ENDED)
        assert at.actions("reject") == 1
        at.desk.full = False
        late = at.company.rings()
        at.desk.over.add(at.named(late.call_id))
        answers = at.company.exchange.courier.answers
        await until(lambda: any(late.call_id.encode() in hook.body for hook, _ in answers))
        assert (late.status, late.streams, at.actions("answer")) == ("ringing", [], 0)


async def test_a_call_we_place_is_answered_with_its_own_ticket() -> None:
    async with stage() as at:
        call = await at.outbound()
        assert (call.caller, call.callee) == (OURS, THEIRS)
        assert not call.streams
        await call.answers()
        await call.up()
        attached = await at.next_leg()
        assert attached.call_id == "call-1"
        await call.hangs_up()
        await until(lambda: len(at.desk.reports) == 2)
        assert {each.status for each in at.desk.reports} == {"answered", "completed"}
        assert not at.desk.detections
        attached.done()


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (CallOutcome.BUSY, "user_busy"),
        (CallOutcome.NO_ANSWER, "no_answer"),
        (CallOutcome.FAILED, "call_rejected"),
        (CallOutcome.CANCELED, "originator_cancel"),
    ],
)
async def test_a_call_nobody_takes_has_an_outcome(outcome: CallOutcome, cause: str) -> None:
    async with stage() as at:
        call = await at.outbound()
        await call.refuses(outcome)
        await until(lambda: bool(at.desk.reports))
        assert at.desk.reports == [Report(at.named(call.call_id), cause, outcome)]


async def test_hanging_up_while_it_rings_cancels_the_call() -> None:
    async with stage() as at:
        call = await at.outbound()
        await at.line.hangup(call.call_id)
        assert call.over
        await at.posted("call.cost")


async def test_a_dial_that_is_given_again_rings_once() -> None:
    async with stage() as at:
        ticket = at.desk.issue("telnyx")
        request = DialRequest(
            call_id=ticket.call_id, to=THEIRS, from_number=OURS, ticket=ticket, ring_timeout_s=1
        )
        first, second = [await at.line.dial(request) for _ in range(2)]
        assert first == second
        assert len(at.company.lines) == 1
        await at.posted("call.initiated")


async def test_a_number_that_is_not_ours_cannot_be_called_from() -> None:
    async with stage() as at:
        ticket = at.desk.issue("telnyx")
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
    async with stage({"machine_detection": kind}) as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(by, greeting_ms=40)
        await call.up()
        attached = await at.next_leg()
        named = at.named(call.call_id)
        raw = premium if kind == "premium" else standard
        told = [Detection(named, answerer, False, raw)]
        if by is Answerer.MACHINE:
            told.append(Detection(named, answerer, True, "beep_detected"))
        await until(lambda: len(at.desk.detections) == len(told))
        assert at.desk.detections == told
        attached.done()


async def test_a_fax_is_told_as_one() -> None:
    async with stage() as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(Answerer.FAX)
        attached = await at.next_leg()
        await until(lambda: bool(at.desk.detections))
        assert at.desk.detections[0].answerer is Answerer.FAX
        attached.done()


async def test_keys_are_pressed_in_the_call() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await at.line.send_dtmf(call.call_id, "12w#")
        assert call.digits == "12w#"
        with pytest.raises(ProvisionError):
            await at.line.send_dtmf(call.call_id, "x")
        attached.done()


async def test_a_recording_is_told_when_the_call_is_over() -> None:
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


async def test_the_price_is_waited_for_and_told_once_telnyx_says_it() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(at.line.price(call.call_id))
            await call.hangs_up()
        assert asked.result() == pytest.approx(0.0055)
        attached.done()


async def test_a_price_that_came_first_is_kept() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        await at.posted("call.cost")
        assert await at.line.price(call.call_id) == pytest.approx(0.0055)
        attached.done()


async def test_every_event_may_come_twice() -> None:
    async with stage(faults=Faults(twice=1.0)) as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.desk.reports))
        await at.posted("call.cost", 2)
        assert len(at.desk.rung) == len(call.streams) == 1
        assert len(at.desk.reports) == 2
        attached.done()


async def test_calls_do_not_wait_for_each_other() -> None:
    async with stage() as at:
        calls = [at.company.rings() for _ in range(20)]
        await asyncio.gather(*(call.up() for call in calls))
        legs = [await at.next_leg() for _ in calls]
        assert len({each.call_id for each in legs}) == 20
        for each in legs:
            each.done()
