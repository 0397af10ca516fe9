"""What becomes of calls, whatever carrier has them: they come, are placed, and end once.

Checked through the vendor's double, webhooks and media and all, against a switchboard that
notes everything.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from patter.errors import PatterError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    Dtmf,
    Hangup,
    MarkPlayed,
    PausableRecording,
)
from patter.providers.context import Direction
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import OURS, THEIRS, until
from patter_testing.doubles.stream import Ended
from patter_testing.suites.on_double import DoubleSuite
from patter_testing.suites.rules import has_fix
from patter_testing.switchboard import Detection, RecordingReport, Report

SECOND = bytes(range(1, 101)) * 80
UNTAKEN = (CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED, CallOutcome.CANCELED)


class CallsSuite(DoubleSuite):
    """Subclass, name the simulator and how its vendor says things::

    class TestCalls(CallsSuite):
        double = ParrotDouble
        traits = VendorTraits(refused={CallOutcome.BUSY: "engaged", ...}, usd=0.0085)
    """

    async def test_a_call_that_comes_in_is_rung_and_streamed(self) -> None:
        """Who calls whom, by which id, on which account; and then there is media.

        If this fails: fill ``Incoming`` from the webhook, and answer with the ticket's address.
        """
        async with self.harness() as at:
            call, attached = await at.inbound(caller=THEIRS)
            (incoming,) = at.switchboard.rung
            assert (incoming.caller, incoming.callee) == (THEIRS, OURS)
            assert incoming.carrier_call_id == call.call_id
            assert incoming.account == at.vendor.account
            assert incoming.direction is Direction.INBOUND
            assert attached.leg.audio == call.leg.audio
            assert call.status == self.traits.up
            attached.done()

    async def test_headers_of_a_sip_call_are_data(self) -> None:
        """They are the call's variables, without what could pretend to be a line of a prompt.

        If this fails: give them to ``webhooks.variables``.
        """
        if not self.traits.sip_headers:
            pytest.skip("this carrier tells no SIP headers")
        async with self.harness() as at:
            _, attached = await at.inbound(headers={"X-Table": "seven\u2028{x}"})
            (incoming,) = at.switchboard.rung
            assert incoming.variables == {"X-Table": "seven {x}"}
            attached.done()

    async def test_audio_marks_and_keys_go_both_ways(self) -> None:
        """Unaltered, in order, in frames that the vendor understands.

        If this fails: look at ``call.streams[0].malformed`` for what the double did not take.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            await attached.leg.send(SECOND[:3_200])
            await attached.leg.mark("said")
            call.leg.speak(SECOND[:160])
            call.leg.press("7")
            events = aiter(attached.events())
            got = [await anext(events) for _ in range(3)]
            assert got == [SECOND[:160], Dtmf("7"), MarkPlayed("said")]
            assert call.leg.heard() == SECOND[:3_200]
            assert not call.streams[0].malformed
            attached.done()

    async def test_a_clear_stops_what_is_played_and_returns_each_mark_once(self) -> None:
        """What was not played never is, and its marks are answered; later ones as usual.

        If this fails: send the vendor's clear, and answer marks yourself if it does not.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            await attached.leg.send(SECOND)
            await attached.leg.mark("end")
            await attached.leg.clear()
            await attached.leg.mark("after")
            events = aiter(attached.events())
            got = [await anext(events), await anext(events)]
            assert got == [MarkPlayed("end"), MarkPlayed("after")]
            assert len(call.leg.heard()) < len(SECOND)
            attached.done()

    async def test_a_caller_who_hangs_up_is_reported(self) -> None:
        """The media says so, and the vendor's last word on the call is that its line is down.

        If this fails: report ``completed`` with outcome None for the end of an answered call.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            await call.hangs_up()
            assert [event async for event in attached.events()] == [Hangup("stop")]
            await until(lambda: len(at.switchboard.reports) >= len(self.traits.inbound))
            reports = sorted(at.switchboard.reports, key=lambda each: each.status)
            named = at.named(call.call_id)
            assert reports == [
                Report(named, status, None) for status in sorted(self.traits.inbound)
            ]
            attached.done()

    async def test_a_lost_socket_comes_back_to_the_same_call(self) -> None:
        """Again and again, each time with a fresh ticket, and it is no hang-up.

        If this fails: ask ``switchboard.reissue`` where the call's media is to go, and tell the
        vendor; in ``on_lost`` of ``media_socket`` if it does not ask by itself.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            for number in (2, 3):
                call.drops()
                assert not [event async for event in attached.leg if isinstance(event, Hangup)]
                attached.done()
                await call.up(number)
                attached = await at.next_leg()
            assert attached.call_id == "call-1"
            assert call.streams[0].ended is Ended.DROPPED
            assert call.journey == [CallerLocation.RINGING, CallerLocation.AGENT]
            attached.done()

    async def test_a_lost_socket_of_a_call_that_is_over_does_not_come_back(self) -> None:
        """The call is let go instead.

        If this fails: hang up when ``reissue`` raises InputError.
        """
        if not self.traits.ends_lost_calls:
            pytest.skip("this carrier leaves a call that is over alone")
        async with self.harness() as at:
            call, attached = await at.inbound()
            at.switchboard.over.add(at.named(call.call_id))
            await attached.leg.close()
            attached.done()
            await call.is_with(CallerLocation.ENDED)
            assert len(call.streams) == 1

    async def test_hanging_up_ends_the_call_and_its_stream(self) -> None:
        """At once; and a call that is over, or that nobody knows, is hung up already.

        If this fails: take the vendor's "no such call" for success.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            await at.line.hangup(call.call_id)
            assert [event async for event in attached.events()] == [Hangup("stop")]
            await call.is_with(CallerLocation.ENDED)
            assert call.streams[0].ended is Ended.CARRIER
            await at.line.hangup(call.call_id)
            await at.line.hangup(self.traits.no_call)
            attached.done()

    async def test_a_full_house_turns_a_call_away(self) -> None:
        """Before it is answered, and without media.

        If this fails: answer with the vendor's rejection when ``register`` raises.
        """
        async with self.harness() as at:
            at.switchboard.full = True
            call = at.vendor.rings()
            await call.is_with(CallerLocation.ENDED)
            assert call.status != "completed"
            assert not call.streams

    async def test_a_call_that_is_over_is_not_taken_again(self) -> None:
        """Its webhook came late: there is nobody to talk to.

        If this fails: do not answer when ``register`` raises InputError.
        """
        async with self.harness() as at:
            late = at.vendor.rings()
            at.switchboard.over.add(at.named(late.call_id))
            await until(lambda: at.posts_of(late.call_id) > 0)
            assert not at.switchboard.rung
            assert not late.streams

    async def test_a_call_we_place_is_answered_with_its_own_ticket(self) -> None:
        """It is ours from the dial on: it never rings here, and is streamed once answered.

        If this fails: order the media from ``request.ticket``, not from a new one.
        """
        async with self.harness() as at:
            self.need(at, "outbound")
            call = await at.outbound()
            assert (call.caller, call.callee) == (OURS, THEIRS)
            assert call.direction is Direction.OUTBOUND
            assert not call.streams
            await call.answers()
            await call.up()
            attached = await at.next_leg()
            assert attached.call_id == "call-1"
            await call.hangs_up()
            await until(lambda: len(at.switchboard.reports) >= len(self.traits.outbound))
            reports = sorted(each.status for each in at.switchboard.reports)
            assert reports == sorted(self.traits.outbound)
            assert {each.outcome for each in at.switchboard.reports} == {None}
            assert not at.switchboard.rung
            assert not at.switchboard.detections
            attached.done()

    @pytest.mark.parametrize("outcome", UNTAKEN)
    async def test_a_call_nobody_takes_has_an_outcome(self, outcome: CallOutcome) -> None:
        """The vendor's word for it, and what it means.

        If this fails: map the vendor's word to its `CallOutcome`.
        """
        async with self.harness() as at:
            self.need(at, "outbound")
            call = await at.outbound()
            await call.refuses(outcome)
            report = Report(at.named(call.call_id), self.traits.refused[outcome], outcome)
            await until(lambda: any(each.outcome for each in at.switchboard.reports))
            assert [each for each in at.switchboard.reports if each.outcome] == [report]

    async def test_hanging_up_while_it_rings_cancels_the_call(self) -> None:
        """Nobody is connected to a call that we gave up.

        If this fails: end a ringing call too; some vendors have another request for it.
        """
        async with self.harness() as at:
            self.need(at, "outbound")
            call = await at.outbound()
            await at.line.hangup(call.call_id)
            assert call.over
            assert call.status != "completed"
            assert not call.streams

    async def test_nobody_is_rung_longer_than_asked(self) -> None:
        """A call that is not taken in time was not answered.

        If this fails: give ``ring_timeout_s`` to the vendor.
        """
        if self.traits.least_ring_s:
            pytest.skip(f"this carrier rings {self.traits.least_ring_s} s at the least")
        async with self.harness() as at:
            self.need(at, "outbound")
            call = await at.outbound(ring_timeout_s=0)
            await call.is_with(CallerLocation.ENDED)
            await until(lambda: any(each.outcome for each in at.switchboard.reports))
            assert at.switchboard.reports[-1].outcome is CallOutcome.NO_ANSWER

    @pytest.mark.parametrize("by", list(Answerer))
    async def test_who_answered_is_told(self, by: Answerer) -> None:
        """In the vendor's words and in ours; a machine's beep when its greeting has ended.

        If this fails: ask for detection in the dial, and map each verdict, fax as well.
        """
        async with self.harness() as at:
            self.need(at, "machine_detection")
            call = await at.outbound(machine_detection=True)
            await call.answers(by, greeting_ms=40)
            await call.up()
            attached = await at.next_leg()
            named = at.named(call.call_id)
            detections = [
                Detection(named, by, beep, raw) for raw, beep in self.traits.verdicts.get(by, ())
            ]
            await until(lambda: len(at.switchboard.detections) >= len(detections))
            await attached.leg.mark("now")
            assert await anext(aiter(attached.events())) == MarkPlayed("now")
            assert at.switchboard.detections == detections
            assert len(call.streams) == 1
            attached.done()

    async def test_nobody_asks_who_answers_unless_told_to(self) -> None:
        """Detection costs money and time.

        If this fails: order it only for ``request.machine_detection``.
        """
        async with self.harness() as at:
            self.need(at, "machine_detection")
            call = await at.outbound()
            await call.answers(Answerer.MACHINE, greeting_ms=0)
            await call.up()
            attached = await at.next_leg()
            await attached.leg.send(SECOND[:800])
            await attached.leg.mark("now")
            assert await anext(aiter(attached.events())) == MarkPlayed("now")
            assert not at.switchboard.detections
            attached.done()

    async def test_keys_are_pressed_in_the_call(self) -> None:
        """In order; ``w`` is a pause, and what is not a key is refused.

        If this fails: order them of the vendor, or declare ``dtmf_out=False``.
        """
        async with self.harness() as at:
            self.need(at, "dtmf_out")
            call, attached = await at.inbound()
            await at.line.send_dtmf(call.call_id, "12w#")
            assert call.digits.replace("w", "") == "12#"
            with pytest.raises(PatterError) as raised:
                await at.line.send_dtmf(call.call_id, "12;")
            has_fix(raised.value)
            attached.done()

    async def test_a_recording_is_told_when_the_call_is_over(self) -> None:
        """Where it can be fetched, of which call.

        If this fails: tell the vendor where to report it, and pass its address on.
        """
        async with self.harness() as at:
            self.need(at, "recording")
            call, attached = await at.inbound()
            await at.line.start_recording(call.call_id)
            assert call.recorded == 1
            await call.hangs_up()
            await until(lambda: bool(at.switchboard.recordings))
            (report,) = at.switchboard.recordings
            assert report == RecordingReport(at.named(call.call_id), report.url)
            assert re.search(self.traits.recording, report.url), report.url
            attached.done()

    async def test_a_recording_is_paused_and_goes_on(self) -> None:
        """As often as it is asked; the call and the recording last.

        If this fails: ``can.recording_pause`` promises ``pause_recording`` and
        ``resume_recording``, and what cannot be paused may be stopped and begun again.
        """
        async with self.harness() as at:
            self.need(at, "recording_pause")
            line = at.line
            assert isinstance(line, PausableRecording)
            call, attached = await at.inbound()
            with pytest.raises(PatterError) as raised:
                await line.pause_recording(call.call_id)
            has_fix(raised.value)
            await at.line.start_recording(call.call_id)
            for _ in range(2):
                await line.pause_recording(call.call_id)
                await line.resume_recording(call.call_id)
            assert call.recording_pauses == [True, False] * 2
            attached.done()

    async def test_the_price_is_what_the_vendor_says(self) -> None:
        """In US dollars, positive, once the call is over; set up as `serve` does it.

        If this fails: mind the sign, the currency and the unit of the vendor's figure, and let
        ``configure`` turn on what makes the vendor tell it.
        """
        async with self.harness() as at:
            self.need(at, "price")
            await at.line.configure(OURS)
            call, attached = await at.inbound()
            await call.hangs_up()
            assert await at.line.price(call.call_id) == pytest.approx(self.traits.usd)
            attached.done()

    async def test_every_webhook_may_come_twice(self) -> None:
        """The second one of each changes nothing.

        If this fails: keep no state in the handlers that a repeated delivery can break.
        """
        async with self.harness(Faults(twice=1.0)) as at:
            call, attached = await at.inbound()
            await until(lambda: at.posts_of(call.call_id) > 1)
            await call.hangs_up()
            await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))
            assert {each.carrier_call_id for each in at.switchboard.rung} == {call.call_id}
            assert {each.call for each in at.switchboard.reports} == {at.named(call.call_id)}
            assert len(call.streams) == 1
            attached.done()

    async def test_calls_do_not_wait_for_each_other(self) -> None:
        """Twenty at once are up at once.

        If this fails: keep a call's state in the call, and block nowhere.
        """
        async with self.harness() as at:
            calls = [at.vendor.rings() for _ in range(20)]
            await asyncio.gather(*(call.up() for call in calls))
            legs = [await at.next_leg() for _ in calls]
            assert len({each.call_id for each in legs}) == 20
            for each in legs:
                each.done()
