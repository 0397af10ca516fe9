"""What is posted to us: believed only when signed, understood only once."""

from __future__ import annotations

import time
from typing import Any

import attrs
import orjson
import pytest
from aiohttp import ClientSession

from patter.errors import PatterConfigError
from patter.providers.carrier import Answerer
from patter.server.webhooks import Replays
from patter.testing.desk import Detection, FakeSwitchboard, serving_line
from patter.testing.doubles.faults import Faults
from patter_telnyx._signature import Seal
from patter_telnyx._state import ClientState, Stage
from patter_telnyx._webhooks import Webhooks
from patter_telnyx.double import TelnyxDouble

from .stage import HOST, HUMAN, OURS, THEIRS, stage, until
from .stage import Stage as Scene

CALL, ROOM = "v3:one", "v3:two"


@attrs.frozen
class Reply:
    status: int
    error: dict[str, Any]


def event(at: Scene, kind: str, event_id: str = "", **payload: Any) -> bytes:
    told = {"connection_id": at.company.account, "call_control_id": CALL, **payload}
    data = {"event_type": kind, "id": event_id, "payload": told, "record_type": "event"}
    return orjson.dumps({"data": data})


async def post(at: Scene, body: bytes, headers: dict[str, str] | None = None) -> Reply:
    signed = at.company.settings.sign(body, int(time.time())) if headers is None else headers
    async with (
        ClientSession() as client,
        client.post(f"{at.url}/webhooks/telnyx/voice", data=body, headers=signed) as answer,
    ):
        said = await answer.json() if answer.content_type == "application/json" else {}
        return Reply(answer.status, said.get("error", {}) if isinstance(said, dict) else {})


def incoming(at: Scene, event_id: str = "", **more: Any) -> bytes:
    told = {"direction": "incoming", "from": THEIRS, "to": OURS, **more}
    return event(at, "call.initiated", event_id, **told)


async def test_an_unsigned_event_is_refused() -> None:
    async with stage() as at:
        reply = await post(at, incoming(at), {})
        assert reply.status == 403
        assert not at.desk.rung
        assert not at.company.exchange.requests


async def test_a_stale_event_is_refused_and_one_from_the_future_too() -> None:
    async with stage() as at:
        for ago in (301, -40):
            body = incoming(at)
            reply = await post(at, body, at.company.settings.sign(body, int(time.time()) - ago))
            assert reply.status == 403
            assert "clock" in reply.error["fix"]
        assert not at.desk.rung


async def test_an_event_of_another_account_is_refused() -> None:
    async with stage() as at:
        body = incoming(at)
        stranger = TelnyxDouble().sign(body, int(time.time()))
        assert (await post(at, body, stranger)).status == 403
        assert not at.desk.rung


async def test_an_event_of_another_connection_is_refused_and_says_of_which() -> None:
    async with stage() as at:
        reply = await post(at, incoming(at, connection_id="99"))
        assert reply.status == 403
        assert "'99'" in reply.error["message"]
        assert at.company.account in reply.error["fix"]


async def test_without_a_public_key_nobody_is_believed_and_the_log_says_so(caplog: Any) -> None:
    desk = FakeSwitchboard(HOST)
    async with TelnyxDouble(numbers=(OURS,)).open() as company:
        settings = attrs.evolve(company.carrier(), public_key="")
        async with settings.open(desk) as line, serving_line(line) as url:
            at = Scene(company, desk, line, url)
            reply = await post(at, incoming(at))
            assert (reply.status, reply.error["fix"]) == (503, "export TELNYX_PUBLIC_KEY")
    warned = [each for each in caplog.records if "every webhook will be refused" in each.message]
    assert len(warned) == 1
    assert "export TELNYX_PUBLIC_KEY" in caplog.text


async def test_what_is_too_large_is_not_read() -> None:
    async with stage() as at:
        assert (await post(at, incoming(at, big="x" * 70_000))).status == 413
        assert not at.desk.rung


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": {}}', b'{"data": {"payload": 7}}'])
async def test_signed_nonsense_is_an_input_error(body: bytes) -> None:
    async with stage() as at:
        assert (await post(at, body)).status == 400


async def test_an_event_without_a_call_changes_nothing() -> None:
    async with stage() as at:
        assert (await post(at, incoming(at, call_control_id=None))).status == 200
        assert not at.desk.rung


@attrs.define(slots=False)
class Later:
    """A clock that stands where it is put."""

    at_ms: float = 0.0

    def ms(self) -> float:
        return self.at_ms


@attrs.define
class Routes:
    webhooks: Webhooks

    def routes(self) -> Any:
        return self.webhooks.routes()


async def test_a_request_of_long_ago_is_not_believed_again() -> None:
    async with stage() as at:
        clock: Any = Later()
        line, desk = at.line, at.desk
        webhooks = Webhooks(
            account=line.account,
            seal=Seal(bytes(at.company.settings.signing_key.verify_key)),
            switchboard=desk,
            api=line.api,
            to=line.to,
            streams=line.streams,
            transfers=line.transfers,
            costs=line.costs,
            replays=Replays(clock=clock),
        )
        async with serving_line(Routes(webhooks)) as url:  # type: ignore[arg-type]
            body, there = event(at, "call.answered"), attrs.evolve(at, url=url)
            headers, statuses = at.company.settings.sign(body, int(time.time())), []
            for clock.at_ms in (0, 59_000, 61_000):
                statuses.append((await post(there, body, headers)).status)
        assert statuses == [200, 200, 403]


async def test_an_event_is_acted_on_once_however_often_it_is_delivered() -> None:
    async with stage() as at:
        for _ in range(3):
            assert (await post(at, event(at, "call.answered", "e1"))).status == 200
        assert len(at.desk.reports) == 1
        await post(at, event(at, "call.answered", "e2"))
        assert len(at.desk.reports) == 2


async def test_an_event_that_could_not_be_acted_on_is_taken_again() -> None:
    async with stage() as at:
        at.line.api.clock = Quick()
        at.worsen(broken=1.0)
        body = incoming(at, "e1")
        assert (await post(at, body)).status >= 500
        at.worsen(broken=0.0)
        assert (await post(at, body)).status == 200
        assert len(at.desk.rung) == 2
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
    async with stage() as at:
        assert (await post(at, incoming(at))).status == 200
        assert at.actions("answer") == 1


async def test_events_nobody_needs_are_taken_and_change_nothing() -> None:
    async with stage() as at:
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
        assert not at.company.exchange.requests
        assert not at.desk.reports


async def test_a_call_we_place_is_not_rung() -> None:
    async with stage() as at:
        await post(at, event(at, "call.initiated", direction="outgoing"))
        await post(at, event(at, "call.initiated"))
        assert not at.desk.rung


async def test_a_prompt_that_screens_calls_is_no_greeting() -> None:
    async with stage() as at:
        kind = "call.machine.premium.greeting.ended"
        await post(at, event(at, kind, result="prompt_ended"))
        assert not at.desk.detections
        await post(at, event(at, kind, result="no_beep_detected"))
        named = at.named(CALL)
        assert at.desk.detections == [Detection(named, Answerer.MACHINE, True, "no_beep_detected")]


async def test_a_recording_without_an_address_is_not_told() -> None:
    async with stage() as at:
        await post(at, event(at, "call.recording.saved", recording_urls={"mp3": None}))
        await post(at, event(at, "call.recording.error", reason="disk"))
        assert not at.desk.recordings
        urls: dict[str, Any] = {
            "recording_urls": {"wav": "https://a/x"},
            "public_recording_urls": {"mp3": "https://b/x"},
        }
        await post(at, event(at, "call.recording.saved", **urls))
        assert [each.url for each in at.desk.recordings] == ["https://b/x"]


def human(stage_: Stage, **more: Any) -> dict[str, Any]:
    state = str(ClientState(of=CALL, stage=stage_))
    return {"call_control_id": ROOM, "client_state": state, **more}


async def test_a_human_who_talked_and_left_first_was_there_all_the_same() -> None:
    async with stage() as at:
        await post(
            at, event(at, "call.hangup", **human(Stage.COLD, hangup_cause="normal_clearing"))
        )
        assert [each.taken for each in at.desk.transfers] == [True]


async def test_a_human_who_was_connected_and_left_is_no_news() -> None:
    async with stage() as at:
        for cause in ("normal_clearing", "timeout"):
            await post(at, event(at, "call.hangup", **human(Stage.BRIDGED, hangup_cause=cause)))
        assert not at.desk.transfers
        assert not at.desk.reports


async def test_a_human_nobody_rang_brings_nobody_back() -> None:
    async with stage() as at:
        await post(at, event(at, "call.hangup", **human(Stage.WARM, hangup_cause="timeout")))
        assert not at.desk.transfers
        assert not at.company.exchange.requests


async def test_two_accounts_do_not_answer_for_each_other() -> None:
    other = TelnyxDouble(connection_id="22", api_key="b", numbers=(HUMAN,), faults=Faults(seed=5))
    async with stage() as at, other.open() as company:
        desk = FakeSwitchboard(HOST)
        async with company.carrier().open(desk) as line, serving_line(line) as url:
            company.reaches(url)
            ours, theirs = at.company.rings(), company.rings()
            await ours.up()
            await theirs.up()
            assert [each.account for each in at.desk.rung] == [at.company.account]
            assert [each.account for each in desk.rung] == ["22"]
            company.reaches(at.url)
            company.rings()
            sent = company.exchange.courier.answers
            await until(lambda: any(answer.status == 403 for _, answer in sent))
            assert len(at.desk.rung) == 1
            for switchboard in (desk, at.desk):
                (await switchboard.next_leg()).done()


async def test_without_a_public_host_nothing_is_placed_or_configured() -> None:
    async with stage() as at:
        at.desk.public_host = ""
        with pytest.raises(PatterConfigError) as raised:
            await at.line.configure(OURS)
        assert "tunnel=True" in raised.value.fix
