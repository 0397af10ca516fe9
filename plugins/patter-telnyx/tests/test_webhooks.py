"""What is posted to us: believed only when signed, understood only once."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import attrs
import orjson
import pytest
from aiohttp import ClientSession

from patter.errors import PatterConfigError
from patter.providers.carrier import Answerer
from patter_telnyx._state import ClientState, Stage
from patter_telnyx.double import TelnyxDouble
from patter_telnyx.line import TelnyxLine
from patter_testing import WebhooksSuite
from patter_testing.doubles.harness import HOST, OURS, THEIRS
from patter_testing.switchboard import Detection, FakeSwitchboard, serving_line

from .harness import TRAITS, Harness, harness

CALL, ROOM = "v3:one", "v3:two"


class TestWebhooks(WebhooksSuite):
    double = TelnyxDouble
    traits = TRAITS
    stranger = partial(TelnyxDouble, connection_id="22", api_key="b")


@attrs.frozen
class Reply:
    status: int
    error: dict[str, Any]


def event(at: Harness, kind: str, event_id: str = "", **payload: Any) -> bytes:
    told = {"connection_id": at.vendor.account, "call_control_id": CALL, **payload}
    data = {"event_type": kind, "id": event_id, "payload": told, "record_type": "event"}
    return orjson.dumps({"data": data})


async def post(at: Harness, body: bytes, headers: dict[str, str] | None = None) -> Reply:
    signed = at.vendor.settings.sign(body, int(time.time())) if headers is None else headers
    async with (
        ClientSession() as client,
        client.post(f"{at.url}/webhooks/telnyx/voice", data=body, headers=signed) as answer,
    ):
        said = await answer.json() if answer.content_type == "application/json" else {}
        return Reply(answer.status, said.get("error", {}) if isinstance(said, dict) else {})


def incoming(at: Harness, event_id: str = "", **more: Any) -> bytes:
    told = {"direction": "incoming", "from": THEIRS, "to": OURS, **more}
    return event(at, "call.initiated", event_id, **told)


async def test_a_stale_event_is_refused_and_one_from_the_future_too() -> None:
    async with harness() as at:
        for ago in (301, -40):
            body = incoming(at)
            reply = await post(at, body, at.vendor.settings.sign(body, int(time.time()) - ago))
            assert reply.status == 403
            assert "clock" in reply.error["fix"]
        assert not at.switchboard.rung


async def test_an_event_of_another_account_is_refused() -> None:
    async with harness() as at:
        body = incoming(at)
        stranger = TelnyxDouble().sign(body, int(time.time()))
        assert (await post(at, body, stranger)).status == 403
        assert not at.switchboard.rung


async def test_an_event_of_another_connection_is_refused_and_says_of_which() -> None:
    async with harness() as at:
        reply = await post(at, incoming(at, connection_id="99"))
        assert reply.status == 403
        assert "'99'" in reply.error["message"]
        assert at.vendor.account in reply.error["fix"]


async def test_without_a_public_key_nobody_is_believed_and_the_log_says_so(caplog: Any) -> None:
    switchboard = FakeSwitchboard(HOST)
    async with TelnyxDouble(numbers=(OURS,)).open() as vendor:
        settings = attrs.evolve(vendor.carrier(), public_key="")
        async with settings.open(switchboard) as line, serving_line(line) as url:
            assert isinstance(line, TelnyxLine)
            at = Harness(vendor, switchboard, line, url)
            reply = await post(at, incoming(at))
            assert (reply.status, reply.error["fix"]) == (503, "export TELNYX_PUBLIC_KEY")
    warned = [each for each in caplog.records if "every webhook will be refused" in each.message]
    assert len(warned) == 1
    assert "export TELNYX_PUBLIC_KEY" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": {}}', b'{"data": {"payload": 7}}'])
async def test_signed_nonsense_is_an_input_error(body: bytes) -> None:
    async with harness() as at:
        assert (await post(at, body)).status == 400


async def test_an_event_without_a_call_changes_nothing() -> None:
    async with harness() as at:
        assert (await post(at, incoming(at, call_control_id=None))).status == 200
        assert not at.switchboard.rung


async def test_an_event_is_acted_on_once_however_often_it_is_delivered() -> None:
    async with harness() as at:
        for _ in range(3):
            assert (await post(at, event(at, "call.answered", "e1"))).status == 200
        assert len(at.switchboard.reports) == 1
        await post(at, event(at, "call.answered", "e2"))
        assert len(at.switchboard.reports) == 2


async def test_an_event_that_could_not_be_acted_on_is_taken_again() -> None:
    async with harness() as at:
        at.line.api.clock = Quick()
        at.worsen(broken=1.0)
        body = incoming(at, "e1")
        assert (await post(at, body)).status >= 500
        at.worsen(broken=0.0)
        assert (await post(at, body)).status == 200
        assert len(at.switchboard.rung) == 2
        assert at.actions("answer") == 4


class Quick:
    """A clock without patience."""

    def ms(self) -> float:
        raise NotImplementedError

    def wall(self) -> float:
        return time.time()

    def at(self, ms: float, callback: object) -> Any:
        raise NotImplementedError

    async def sleep(self, ms: float) -> None:
        return


async def test_a_call_that_rang_out_before_it_was_answered_is_no_error() -> None:
    async with harness() as at:
        assert (await post(at, incoming(at))).status == 200
        assert at.actions("answer") == 1


async def test_events_nobody_needs_are_taken_and_change_nothing() -> None:
    async with harness() as at:
        for kind in (
            "call.dtmf.received",
            "call.playback.ended",
            "streaming.started",
            "streaming.stopped",
            "call.machine.premium.detection.started",
            "call.invented.yesterday",
            "",
        ):
            assert (await post(at, event(at, kind, digit="5"))).status == 200
        assert not at.vendor.runtime.requests
        assert not at.switchboard.reports


async def test_a_call_we_place_is_not_rung() -> None:
    async with harness() as at:
        await post(at, event(at, "call.initiated", direction="outgoing"))
        await post(at, event(at, "call.initiated"))
        assert not at.switchboard.rung


async def test_a_prompt_that_screens_calls_is_no_greeting() -> None:
    async with harness() as at:
        kind = "call.machine.premium.greeting.ended"
        await post(at, event(at, kind, result="prompt_ended"))
        assert not at.switchboard.detections
        await post(at, event(at, kind, result="no_beep_detected"))
        named = at.named(CALL)
        assert at.switchboard.detections == [
            Detection(named, Answerer.MACHINE, True, "no_beep_detected")
        ]


async def test_a_recording_without_an_address_is_not_told() -> None:
    async with harness() as at:
        await post(at, event(at, "call.recording.saved", recording_urls={"mp3": None}))
        await post(at, event(at, "call.recording.error", reason="disk"))
        assert not at.switchboard.recordings
        urls: dict[str, Any] = {
            "recording_urls": {"wav": "https://a/x"},
            "public_recording_urls": {"mp3": "https://b/x"},
        }
        await post(at, event(at, "call.recording.saved", **urls))
        assert [each.url for each in at.switchboard.recordings] == ["https://b/x"]


def human(stage: Stage, **more: Any) -> dict[str, Any]:
    state = str(ClientState(of=CALL, stage=stage))
    return {"call_control_id": ROOM, "client_state": state, **more}


async def test_a_human_who_talked_and_left_first_was_there_all_the_same() -> None:
    async with harness() as at:
        await post(
            at, event(at, "call.hangup", **human(Stage.COLD, hangup_cause="normal_clearing"))
        )
        assert [each.taken for each in at.switchboard.transfers] == [True]


async def test_a_human_who_was_connected_and_left_is_no_news() -> None:
    async with harness() as at:
        for cause in ("normal_clearing", "timeout"):
            await post(at, event(at, "call.hangup", **human(Stage.BRIDGED, hangup_cause=cause)))
        assert not at.switchboard.transfers
        assert not at.switchboard.reports


async def test_a_human_nobody_rang_leaves_no_caller_on_hold() -> None:
    async with harness() as at:
        await post(at, event(at, "call.hangup", **human(Stage.WARM, hangup_cause="timeout")))
        assert not at.switchboard.transfers
        assert at.vendor.runtime.requests == [("POST", "/v2/calls/v3%3Aone/actions/hangup")]


async def test_without_a_public_host_nothing_is_placed_or_configured() -> None:
    async with harness() as at:
        at.switchboard.public_host = ""
        with pytest.raises(PatterConfigError) as raised:
            await at.line.configure(OURS)
        assert "tunnel=True" in raised.value.fix
