"""Calls over the double: they come, are placed, go on after a lost socket, and end once."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from patter.errors import InputError
from patter.providers.carrier import Answerer, CallOutcome, Dtmf, Hangup, MarkPlayed
from patter.providers.context import Direction
from patter.testing.desk import Detection, RecordingReport, Report
from patter.testing.doubles.call import Where
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


async def test_a_clear_stops_what_is_played_and_returns_its_marks() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await attached.leg.send(SECOND)
        await attached.leg.mark("end")
        await attached.leg.clear()
        assert await anext(aiter(attached.leg)) == MarkPlayed("end")
        assert len(call.leg.heard()) < len(SECOND)
        attached.done()


async def test_a_caller_who_hangs_up_is_reported_twice_over() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        assert [event async for event in attached.leg] == [Hangup("stop")]
        await until(lambda: bool(at.desk.reports))
        assert at.desk.reports == [Report(at.named(call.call_id), "completed", None)]
        attached.done()


async def test_a_lost_socket_comes_back_with_a_fresh_ticket() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        for round_ in (2, 3):
            call.drops()
            assert not [event async for event in attached.leg if isinstance(event, Hangup)]
            attached.done()
            await call.up(round_)
            attached = await at.next_leg()
        assert [each.call_id for each in (attached,)] == ["call-1"]
        assert call.where is Where.AGENT
        attached.done()


async def test_a_lost_socket_of_a_call_that_is_over_is_not_connected_again() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        at.desk.over.add(at.named(call.call_id))
        await attached.leg.close()
        attached.done()
        await call.is_with(Where.ENDED)
        assert len(call.streams) == 1


async def test_hanging_up_ends_the_call_and_its_stream() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        await at.line.hangup(call.call_id)
        assert [event async for event in attached.leg] == [Hangup("stop")]
        await call.is_with(Where.ENDED)
        assert call.streams[0].ended is Ended.CARRIER
        await at.line.hangup(call.call_id)
        await at.line.hangup("CA" + "f" * 32)
        attached.done()


@pytest.mark.parametrize("sid", ["", "CA12", "../Calls", "CA" + "g" * 32, "PN" + "0" * 32])
async def test_what_is_no_call_is_asked_of_nobody(sid: str) -> None:
    async with stage() as at:
        with pytest.raises(InputError):
            await at.line.hangup(sid)
        assert not at.company.exchange.requests


async def test_a_full_house_is_busy_and_a_call_that_is_over_is_hung_up() -> None:
    async with stage() as at:
        at.desk.full = True
        call = at.company.rings()
        await call.is_with(Where.ENDED)
        assert call.status == "busy"
        at.desk.full = False
        late = at.company.rings()
        at.desk.over.add(at.named(late.call_id))
        await late.is_with(Where.ENDED)
        assert (late.status, late.streams) == ("completed", [])


async def test_a_call_we_place_is_answered_with_its_own_ticket() -> None:
    async with stage() as at:
        call = await at.outbound()
        assert (call.caller, call.callee) == (OURS, THEIRS)
        await call.answers()
        await call.up()
        attached = await at.next_leg()
        assert attached.call_id == "call-1"
        await call.hangs_up()
        await until(lambda: len(at.desk.reports) == 4)
        assert {each.status for each in at.desk.reports} == {
            "initiated",
            "ringing",
            "in-progress",
            "completed",
        }
        assert not at.desk.detections
        attached.done()


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (CallOutcome.BUSY, "busy"),
        (CallOutcome.NO_ANSWER, "no-answer"),
        (CallOutcome.FAILED, "failed"),
        (CallOutcome.CANCELED, "canceled"),
    ],
)
async def test_a_call_nobody_takes_has_an_outcome(outcome: CallOutcome, status: str) -> None:
    async with stage() as at:
        call = await at.outbound()
        await call.refuses(outcome)
        await until(lambda: any(each.status == status for each in at.desk.reports))
        assert Report(at.named(call.call_id), status, outcome) in at.desk.reports


async def test_hanging_up_while_it_rings_cancels_the_call() -> None:
    async with stage() as at:
        call = await at.outbound()
        await at.line.hangup(call.call_id)
        assert call.status == "canceled"


async def test_nobody_is_rung_longer_than_asked() -> None:
    async with stage() as at:
        call = await at.outbound(ring_timeout_s=0)
        await call.is_with(Where.ENDED)
        assert call.status == "no-answer"


@pytest.mark.parametrize(
    ("by", "answerer", "beep", "raw"),
    [
        (Answerer.HUMAN, Answerer.HUMAN, False, "human"),
        (Answerer.MACHINE, Answerer.MACHINE, True, "machine_end_beep"),
        (Answerer.FAX, Answerer.FAX, False, "fax"),
        (Answerer.UNKNOWN, Answerer.UNKNOWN, False, "unknown"),
    ],
)
async def test_who_answered_is_told(by: Answerer, answerer: Answerer, beep: bool, raw: str) -> None:
    async with stage() as at:
        call = await at.outbound(machine_detection=True)
        await call.answers(by, greeting_ms=80)
        await call.up()
        attached = await at.next_leg()
        await until(lambda: bool(at.desk.detections))
        assert at.desk.detections == [Detection(at.named(call.call_id), answerer, beep, raw)]
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
        assert "/Recordings/RE" in told.url
        attached.done()


async def test_the_price_is_what_twilio_says_once_it_says_so() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        assert await at.line.price(call.call_id) is None
        await call.hangs_up()
        assert await at.line.price(call.call_id) == pytest.approx(0.0085)
        attached.done()


async def test_a_price_in_other_money_is_no_price() -> None:
    async with stage() as at:
        call, attached = await at.inbound()
        at.company.settings = attrs.evolve(at.company.settings, currency="EUR")
        await call.hangs_up()
        assert await at.line.price(call.call_id) is None
        attached.done()


async def test_it_rings_no_longer_than_twilio_allows() -> None:
    async with stage() as at:
        call = await at.outbound(ring_timeout_s=700)
        assert at.company.lines[call.call_id].orders.timeout_s == 600


async def test_the_voice_webhook_of_one_call_may_come_twice() -> None:
    from patter.testing.doubles.faults import Faults

    async with stage(Faults(twice=1.0)) as at:
        call, attached = await at.inbound()
        await until(lambda: len(at.desk.rung) == 2)
        assert {each.carrier_call_id for each in at.desk.rung} == {call.call_id}
        assert len(call.streams) == 1
        attached.done()


async def test_calls_do_not_wait_for_each_other() -> None:
    async with stage() as at:
        calls = [at.company.rings() for _ in range(20)]
        await asyncio.gather(*(call.up() for call in calls))
        legs = [await at.next_leg() for _ in calls]
        assert len({each.call_id for each in legs}) == 20
        for each in legs:
            each.done()
