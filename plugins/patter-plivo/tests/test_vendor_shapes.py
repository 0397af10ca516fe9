"""The double says what Plivo says, in its shapes: frames, webhooks, answers of its API, limits.

Sources stand at the code that writes each.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import orjson
import pytest

from patter.carriers.webhooks import form_fields
from patter.errors import ProvisionError
from patter.providers.carrier import CallOutcome, MarkPlayed
from patter_plivo import _transfers
from patter_plivo._rest import PlivoApi
from patter_plivo.double import PlivoDouble
from patter_plivo.double.frames import StreamFrames
from patter_plivo.double.line import MAX_TRANSFERS
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HOST, HUMAN, OURS, until
from patter_testing.doubles.host_map import HostMap
from patter_testing.suites.transfers import COLD, WARM

from .harness import Harness, harness

YEAR_2020_MS = 1_577_836_800_000
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\Z")
EVENT = {"sequenceNumber": int, "streamId": str}
# What plivo-stream-sdk-node demands of each event (its zod schemas); a field less is refused.
SCHEMAS: dict[str, dict[str, Any]] = {
    "start": {
        "sequenceNumber": int,
        "start": {
            "callId": str,
            "streamId": str,
            "accountId": str,
            "tracks": list,
            "mediaFormat": {"encoding": str, "sampleRate": int},
        },
        "extra_headers": str,
    },
    "media": {
        **EVENT,
        "media": {"track": str, "timestamp": str, "chunk": int, "payload": str},
        "extra_headers": str,
    },
    "dtmf": {
        **EVENT,
        "dtmf": {"track": str, "digit": str, "timestamp": str},
        "extra_headers": str,
    },
    "playedStream": {**EVENT, "name": str},
    "clearedAudio": EVENT,
}


def fits(body: Any, schema: dict[str, Any]) -> bool:
    return all(
        fits(body.get(name), kind) if isinstance(kind, dict) else isinstance(body.get(name), kind)
        for name, kind in schema.items()
    )


def test_frames_are_what_plivos_own_library_takes() -> None:
    far = StreamFrames(
        stream_id="00000000-9c1d-4b7e-8a11-000000000001", call_uuid="c", account="MA"
    )
    frames = [*far.opening(), far.audio(b"x" * 160), far.digit("5"), far.played("m"), far.cleared()]
    for frame in frames:
        body = orjson.loads(frame)
        assert fits(body, SCHEMAS[body["event"]]), body
    assert UUID(orjson.loads(frames[1])["streamId"])


def test_times_of_frames_are_those_of_the_day() -> None:
    far = StreamFrames(stream_id="s", call_uuid="c", account="MA")
    _ = [*far.opening()]
    first, second = (orjson.loads(far.audio(b"x" * 160))["media"] for _ in range(2))
    assert int(second["timestamp"]) - int(first["timestamp"]) == 20
    assert int(first["timestamp"]) > YEAR_2020_MS
    assert int(orjson.loads(far.digit("5"))["dtmf"]["timestamp"]) > YEAR_2020_MS


def forms(at: Harness, path: str) -> list[dict[str, str]]:
    """The webhooks that went to *path*."""
    sent = at.vendor.runtime.sender.answers
    bodies = [hook.body for hook, _ in sent if f"/webhooks/plivo/{path}" in hook.url]
    return [{name: values[0] for name, values in form_fields(body).items()} for body in bodies]


async def test_a_call_that_comes_in_says_whose_account_it_is_and_when_it_began() -> None:
    async with harness() as at:
        _, attached = await at.inbound()
        (form,) = forms(at, "voice")
        assert form["ParentAuthID"] == at.vendor.account
        assert DATE.match(form["SessionStart"])
        assert form["CountryCode"]
        assert form["RouteType"]
        attached.done()


async def test_who_hung_up_is_told() -> None:
    async with harness() as at:
        inbound, attached = await at.inbound()
        await inbound.hangs_up()
        attached.done()
        ended, attached = await at.inbound()
        await at.line.hangup(ended.call_id)
        attached.done()
        outbound = await at.outbound()
        await outbound.answers()
        await outbound.up()
        attached = await at.next_leg()
        await outbound.hangs_up()
        attached.done()
        busy = await at.outbound()
        await busy.refuses(CallOutcome.BUSY)
        await until(lambda: len(forms(at, "hangup")) == 4)
        by = {form["CallUUID"]: form["HangupSource"] for form in forms(at, "hangup")}
        assert by == {
            inbound.call_id: "Caller",
            ended.call_id: "API Request",
            outbound.call_id: "Callee",
            busy.call_id: "Callee",
        }


async def test_a_meeting_says_who_was_first_and_last_and_little_else() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await human.hangs_up()
        await until(lambda: len(forms(at, "conference")) == 2)
        enter, leave = sorted(forms(at, "conference"), key=lambda form: form["Event"])
        assert (enter["ConferenceFirstMember"], leave["ConferenceLastMember"]) == ("false", "true")
        for form in (enter, leave):
            assert {"From", "To", "CallStatus"}.isdisjoint(form)
            assert form["CallUUID"] == human.call_id


async def test_the_news_of_a_dial_say_which_leg_it_is_and_what_it_costs() -> None:
    async with harness() as at:
        call, human = await at.handed_off(COLD)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await until(lambda: bool(forms(at, "dialling")))
        form = forms(at, "dialling")[0]
        assert form["DialBLegPosition"] == "1"
        assert float(form["DialBLegBillRate"]) > 0
        await call.hangs_up()


async def test_a_live_call_and_one_that_is_over_have_the_fields_of_their_pages() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        live = (await at.line.api.get("see", "Call", call.call_id, status="live")).body
        assert live["from"] == call.caller.removeprefix("+")
        assert live["to"] == call.callee.removeprefix("+")
        assert (live["direction"], live["call_status"]) == ("inbound", "in-progress")
        assert live["request_uuid"] == call.call_id
        assert DATE.match(live["session_start"])
        assert {"from_number", "to_number", "call_direction"}.isdisjoint(live)
        await call.hangs_up()
        attached.done()
        past = (await at.line.api.get("see", "Call", call.call_id)).body
        assert (past["call_direction"], past["hangup_source"]) == ("inbound", "Caller")


async def test_a_number_says_of_which_type_it_is() -> None:
    async with harness() as at:
        number = (await at.line.api.get("read", "Number", OURS.removeprefix("+"))).body
        assert number["number_type"] == "local"
        assert "type" not in number


async def test_a_lost_socket_is_opened_again_twice_before_plivo_asks_what_follows() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        for number in (2, 3, 4):
            asked = len(forms(at, "again"))
            call.drops()
            _ = [event async for event in attached.leg]
            attached.done()
            await call.up(number)
            attached = await at.next_leg()
            assert len(forms(at, "again")) == asked + (number == 4)
        frames: list[Any] = [stream.frames for stream in call.streams]
        names = [each.stream_id for each in frames]
        assert names[0] == names[1] == names[2] != names[3]
        await until(lambda: "DroppedStream" in [each["Event"] for each in forms(at, "stream")])
        attached.done()


async def test_a_socket_that_cannot_be_opened_is_tried_three_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HostMap, "socket", lambda *_: "ws://127.0.0.1:1/nobody")
    async with harness() as at:
        call = at.vendor.rings()
        await until(lambda: bool(forms(at, "again")))
        at.switchboard.over.add(at.named(call.call_id))
        await call.is_with(CallerLocation.ENDED)
        frames: list[Any] = [stream.frames for stream in call.streams]
        names = [each.stream_id for each in frames]
        assert {names.count(name) for name in names} == {3}


async def test_a_socket_that_is_too_slow_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.vendor.degrades(call, 60)
        await until(lambda: "DegradedStream" in [each["Event"] for each in forms(at, "stream")])
        await until(lambda: "too slow" in caplog.text)
        attached.done()


async def test_a_call_is_moved_seventy_times_and_then_ended() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        line = at.vendor.lines[call.call_id]
        line.transfers = MAX_TRANSFERS - 1
        body = {"legs": "aleg", "aleg_url": f"https://{HOST}/webhooks/plivo/again"}
        assert (await at.line.api.put("move", "Call", call.call_id, body=body)).status == 202
        attached.done()
        await call.up(2)
        (await at.next_leg()).done()
        assert (await at.line.api.put("move", "Call", call.call_id, body=body)).status == 202
        await call.is_with(CallerLocation.ENDED)
        await until(lambda: bool(forms(at, "hangup")))
        assert forms(at, "hangup")[0]["HangupCauseName"] == "Loop Detected"


async def test_a_transfer_that_plivo_would_end_the_call_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_transfers, "MAX_MOVES", 3)
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await human.refuses(CallOutcome.BUSY)
        attached = await at.back(call)
        await at.transfer_report()
        with pytest.raises(ProvisionError, match="moved more than 3 times") as raised:
            await at.line.transfer(call.call_id, WARM)
        assert "the agent goes on" in raised.value.fix
        await attached.leg.mark("still here")
        assert await anext(aiter(attached.events())) == MarkPlayed("still here")
        attached.done()


def stops(at: Harness) -> int:
    """How often a stream was stopped at Plivo."""
    requests = at.vendor.runtime.requests
    return sum(method == "DELETE" and path.endswith("/Stream/") for method, path in requests)


async def test_a_stream_that_holds_its_call_is_stopped_and_the_call_moves_on() -> None:
    async with harness(double=PlivoDouble(numbers=(OURS,), holds_streams=True)) as at:
        call, human, attached = await at.handed(WARM)
        await at.let_go(attached)
        assert stops(at) == 1
        assert human.callee == HUMAN
        await human.refuses()
        (await at.back(call)).done()


async def test_a_stream_that_plivo_does_not_stop_when_asked_is_closed_here(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with harness(double=PlivoDouble(numbers=(OURS,), holds_streams=True)) as at:
        call, attached = await at.inbound()

        async def stop_streams(*_: object) -> None:
            raise ProvisionError("Plivo could not stop the stream", fix="wait")

        monkeypatch.setattr(PlivoApi, "stop_streams", stop_streams)
        await at.line.transfer(call.call_id, COLD)
        human = await call.human()
        await call.is_with(CallerLocation.HOLD)
        assert "is not stopped" in caplog.text
        attached.done()
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await call.hangs_up()


async def test_a_call_that_moves_by_itself_is_left_alone() -> None:
    async with harness() as at:
        call, human = await at.handed_off(WARM)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await at.transfer_report()
        assert stops(at) == 0
