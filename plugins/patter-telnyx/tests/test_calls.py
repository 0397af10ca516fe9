"""Calls over Telnyx: as every carrier has them, and what is Telnyx's alone."""

from __future__ import annotations

import asyncio

import pytest

from patter.audio.formats import PCM16_16K
from patter.carriers.media_socket import SocketLeg
from patter.errors import ProvisionError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    DialRequest,
    Dtmf,
    Hangup,
    MarkPlayed,
    StreamError,
)
from patter_telnyx._key_order import PATIENCE_MS
from patter_telnyx._streams import MAX_FAILED
from patter_telnyx._wire import MAX_ERRORS
from patter_telnyx.double import TelnyxDouble
from patter_testing import CallsSuite
from patter_testing.doubles.call import CallerLocation, DoubleCall
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, THEIRS, until
from patter_testing.doubles.stream import Ended
from patter_testing.switchboard import Attached, Detection, Report

from .harness import TRAITS, Harness, harness

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
        await at.line.configure(OURS)
        call, attached = await at.inbound()
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(at.line.price(call.call_id))
            await call.hangs_up()
        assert asked.result() == pytest.approx(0.0055)
        attached.done()


async def test_a_price_that_came_first_is_kept() -> None:
    async with harness() as at:
        at.vendor.application.call_cost_in_webhooks = True
        call, attached = await at.inbound()
        await call.hangs_up()
        await at.posted("call.cost")
        assert await at.line.price(call.call_id) == pytest.approx(0.0055)
        attached.done()


async def test_every_event_may_come_twice() -> None:
    async with harness(faults=Faults(twice=1.0)) as at:
        at.vendor.application.call_cost_in_webhooks = True
        call, attached = await at.inbound()
        await call.hangs_up()
        await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))
        await at.posted("call.cost", 2)
        assert len(at.switchboard.rung) == len(call.streams) == 1
        assert len(at.switchboard.reports) == 2
        attached.done()


async def test_a_cost_that_is_never_told_is_not_waited_for() -> None:
    async with harness() as at:
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            call, attached = await at.inbound()
            await call.hangs_up()
            assert await at.line.price(call.call_id) is None
            attached.done()
        assert asyncio.get_running_loop().time() - began < 1.0
        asked = [path for method, path in at.vendor.runtime.requests if "applications" in path]
        assert len(asked) == 1, "the setting is read once, not for every call"


async def test_a_setting_that_is_not_ours_to_change_is_no_reason_not_to_serve(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        at.vendor.application.call_cost_in_webhooks = False
        at.vendor.barred = True
        await at.line.configure(OURS)
        assert "counted at the list price" in caplog.text
        call, attached = await at.inbound()
        await call.hangs_up()
        began = asyncio.get_running_loop().time()
        assert await at.line.price(call.call_id) is None
        assert asyncio.get_running_loop().time() - began < 0.5
        attached.done()


async def test_costs_that_stopped_coming_are_waited_for_once() -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        at.vendor.application.call_cost_in_webhooks = False
        spent = []
        for _ in range(2):
            call, attached = await at.inbound()
            await call.hangs_up()
            began = asyncio.get_running_loop().time()
            assert await at.line.price(call.call_id) is None
            spent.append(asyncio.get_running_loop().time() - began)
            attached.done()
        assert spent[0] > 1.0 > spent[1]


async def test_costs_that_somebody_else_turned_on_are_waited_for() -> None:
    async with harness() as at:
        at.vendor.application.call_cost_in_webhooks = True
        call, attached = await at.inbound()
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(at.line.price(call.call_id))
            await call.hangs_up()
        assert asked.result() == pytest.approx(0.0055)
        attached.done()


async def test_a_telnyx_that_does_not_answer_costs_the_end_of_a_call_less_than_a_second() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        at.worsen(slow=1.0, slow_ms=5_000)
        began = asyncio.get_running_loop().time()
        assert await at.line.price(call.call_id) is None
        assert asyncio.get_running_loop().time() - began < 1.0
        attached.done()


async def pressed(at: Harness, call: DoubleCall, attached: Attached, order: str) -> str:
    """The keys heard when 1, 2 and 3 are pressed 100 ms apart and come in this *order*."""
    stream = call.streams[-1]
    clock = stream.leg.clock
    frames: dict[str, str] = {}
    for digit in sorted(order):
        frames[digit] = stream.frames.digit(digit)
        await clock.sleep(5)
    for digit in order:
        await stream.tell(frames[digit])
    return await heard(attached, len(order))


async def heard(attached: Attached, count: int) -> str:
    """The next *count* keys."""
    keys = ""
    async with asyncio.timeout(5):
        async for event in attached.leg:
            keys += event.digit if isinstance(event, Dtmf) else ""
            if len(keys) == count:
                break
    return keys


@pytest.mark.parametrize("order", ["132", "213", "321", "123"])
@pytest.mark.parametrize("paced", [True, False])
async def test_keys_are_heard_in_the_order_in_which_they_were_pressed(
    order: str, paced: bool
) -> None:
    async with harness(paced=paced) as at:
        call, attached = await at.inbound()
        assert await pressed(at, call, attached, order) == "123"
        attached.done()


async def test_a_key_of_a_silent_caller_waits_no_longer_than_it_must() -> None:
    async with harness(paced=False) as at:
        call, attached = await at.inbound()
        loop = asyncio.get_running_loop()
        began = loop.time()
        call.leg.press("7")
        assert await heard(attached, 1) == "7"
        assert PATIENCE_MS / 1_000 <= loop.time() - began < PATIENCE_MS / 1_000 + 0.25
        attached.done()


@pytest.mark.parametrize("end", ["drop", "hang_up"])
async def test_a_key_that_still_waits_when_the_stream_is_lost_or_ends_is_heard(end: str) -> None:
    async with harness(paced=False) as at:
        call, attached = await at.inbound()
        stream = call.streams[0]
        await stream.tell(stream.frames.digit("4"))
        getattr(call.leg, end)()
        assert Dtmf("4") in [event async for event in attached.leg]
        attached.done()


async def test_what_telnyx_complains_of_is_told_and_the_stream_goes_on() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.streams[0].tell("{}")
        for title in ("malformed_frame", "invalid_media", "rate_limit_reached"):
            await at.vendor.complains(call, title)
        await attached.leg.mark("still here")
        events = aiter(attached.events())
        got = [await anext(events) for _ in range(4)]
        assert [(e.code, e.fatal) for e in got if isinstance(e, StreamError)] == [
            ("100003", False),
            ("100004", False),
            ("100005", False),
        ]
        assert got[-1] == MarkPlayed("still here")
        attached.done()


async def test_the_double_complains_of_what_telnyx_would_not_play() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        leg = attached.leg
        assert isinstance(leg, SocketLeg)
        await leg.socket.send_str('{"event":"media","media":{"payload":"*"}}')
        await leg.socket.send_str('{"event":"sing"}')
        events = aiter(attached.events())
        got = [await anext(events) for _ in range(2)]
        assert [each.code for each in got if isinstance(each, StreamError)] == ["100004", "100003"]
        assert len(call.streams[0].malformed) == 2
        attached.done()


async def test_a_stream_of_no_more_use_ends_in_words_and_another_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await at.vendor.complains(call, "unknown_error")
        events = [event async for event in attached.events()]
        assert [(e.code, e.fatal) for e in events if isinstance(e, StreamError)] == [
            ("100002", True)
        ]
        assert not any(isinstance(event, Hangup) for event in events)
        assert "the stream is given up" in caplog.text
        attached.done()
        await call.up(2)
        assert at.actions("streaming_stop") == 1, "Telnyx may not have noticed that it is closed"
        (await at.next_leg()).done()


async def test_an_agent_that_is_refused_again_and_again_gets_another_stream() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        for _ in range(MAX_ERRORS):
            await at.vendor.complains(call, "invalid_media")
        events = [event async for event in attached.events()]
        assert len(events) == MAX_ERRORS
        attached.done()
        await call.up(2)
        (await at.next_leg()).done()


async def test_a_call_whose_streams_are_all_broken_is_not_given_another_for_ever() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        for number in range(2, MAX_FAILED + 2):
            await at.vendor.complains(call, "unknown_error")
            _ = [event async for event in attached.leg]
            attached.done()
            await call.up(number)
            attached = await at.next_leg()
        await at.vendor.complains(call, "unknown_error")
        _ = [event async for event in attached.leg]
        attached.done()
        await until(lambda: call.streams[-1].ended is not None)
        assert at.actions("streaming_start") == MAX_FAILED


@pytest.mark.parametrize("takes", [True, False])
async def test_wide_audio_is_streamed_with_the_answer_where_telnyx_takes_that(takes: bool) -> None:
    async with harness({"codec": "L16"}, rate_in_answer=takes) as at:
        _, attached = await at.inbound()
        assert attached.leg.audio == PCM16_16K
        assert at.actions("answer") == (1 if takes else 2)
        assert at.actions("streaming_start") == (0 if takes else 1)
        attached.done()
