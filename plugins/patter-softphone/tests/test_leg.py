"""Calls over real sockets: what goes up comes up, what goes wrong stays in its own call."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError

from patter.errors import ErrorCode, InputError, PatterError
from patter.observe.events import Ended, EngineStep, Row, Usage
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed, MediaLeg, TransferRequest, TypedText
from patter_softphone import Softphone, SoftphoneCarrier
from patter_testing.switchboard import serving_line

from .switchboard import VOICE, SwitchboardSpy, Talk, digits, echo, serving

FAULTY = SoftphoneCarrier(faults=True)


async def test_what_the_caller_says_comes_back_from_an_echo_and_is_heard_in_step() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url, Softphone(url=url).call() as call:
        await call.say(VOICE)
        await call.say(b"\xff" * 800)
        assert len(call.sent_audio) == len(call.heard)
        assert VOICE in call.sent_audio
        assert VOICE in call.heard
    assert VOICE in desk.talk.audio


async def test_keys_words_and_hang_up_arrive_in_order() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url, Softphone(url=url).call() as call:
        await call.press("5")
        await call.write("book a table")
        await call.press("#")
        await call.hang_up("enough")
    assert desk.talk.events == [Dtmf("5"), TypedText("book a table"), Dtmf("#"), Hangup("enough")]
    assert digits(desk.talk) == "5#"


async def test_a_mark_is_answered_when_its_audio_was_played() -> None:
    order: list[object] = []

    async def speak(talk: Talk, leg: MediaLeg) -> None:
        await leg.send(VOICE)
        await leg.mark("after")
        async for event in leg:
            if isinstance(event, bytes):
                order.append(event)
            elif isinstance(event, MarkPlayed):
                order.append(event)
                return

    async with serving(SwitchboardSpy(speak)) as url, Softphone(url=url).call() as call:
        await call.ended()
    assert order[-1] == MarkPlayed("after")
    assert sum(len(part) for part in order[:-1] if isinstance(part, bytes)) >= len(VOICE)
    assert call.close_code == 1000


async def test_a_clear_stops_the_audio_and_answers_its_marks_at_once() -> None:
    async def speak_and_clear(talk: Talk, leg: MediaLeg) -> None:
        await leg.send(VOICE * 100)
        await leg.mark("never played out")
        await leg.clear()
        async for event in leg:
            if isinstance(event, MarkPlayed):
                talk.events.append(event)
                return

    desk = SwitchboardSpy(speak_and_clear)
    async with serving(desk) as url, Softphone(url=url).call() as call:
        await call.ended()
    assert desk.talk.events == [MarkPlayed("never played out")]
    assert len(call.heard.rstrip(b"\xff")) < len(VOICE)


async def test_the_page_gets_the_calls_events_before_it_is_told_the_end() -> None:
    async def report(talk: Talk, leg: MediaLeg) -> None:
        talk.emit(Row(role="caller", text="hello", turn=1))
        talk.emit(EngineStep(input={"name": "CallerWords", "fields": {"text": "he"}}, effects=[]))
        talk.emit(EngineStep(input={"name": "TimerFired", "fields": {}}, effects=[]))
        talk.emit(Usage(kind="stt", provider="parrot", unit="minutes", amount=1))
        talk.emit(Ended(outcome="completed"))

    async with serving(SwitchboardSpy(report)) as url, Softphone(url=url).call() as call:
        await call.ended()
        seen = [event["type"] async for event in call.events]
    assert seen == ["row", "step", "ended"]


async def test_another_carriers_call_is_not_shown() -> None:
    from patter.providers.context import CallContext
    from patter_softphone.plugin import patter_call_listeners

    assert patter_call_listeners(CallContext(call_id="7f3a", carrier="twilio")) is None


async def test_our_hang_up_ends_the_callers_socket() -> None:
    desk = SwitchboardSpy()
    async with SoftphoneCarrier().open(desk) as line:
        async with serving_line(line) as url, Softphone(url=url).call() as call:
            await call.say(b"\xff" * 160)
            await line.hangup(desk.rung[0].carrier_call_id)
            await call.ended()
        await line.hangup("long gone")
    assert call.close_code == 1000
    assert not any(isinstance(event, Hangup) for event in desk.talk.events)


async def test_a_lost_connection_is_no_hang_up_and_the_caller_can_come_back() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url:
        phone = Softphone(url=url)
        async with phone.call() as call:
            await call.say(b"\xff" * 160)
            await call.lose()
        async with phone.call(call.media_path) as again:
            await again.press("7")
            await again.hang_up()
    assert desk.talk.legs == 2
    assert desk.talk.events == [Dtmf("7"), Hangup("")]


async def test_closing_the_page_is_hanging_up() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url, ClientSession() as client:
        socket = await client.ws_connect(url + await _media_path(client, url))
        await socket.receive()
        await socket.close()
    assert desk.talk.events == [Hangup("the page was closed")]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("not json", "not JSON"),
        ('{"event":"media","payload":"%%%"}', "not base64"),
        ('{"event":"fly"}', "not known"),
        ('{"event":"drop"}', "drops no calls"),
        ('{"event":"faults","loss_percent":1}', "no network simulation"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_call_goes_on(
    frame: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = SwitchboardSpy()
    async with _socket(desk) as socket:
        assert (await socket.receive_json())["event"] == "start"
        with caplog.at_level(logging.WARNING, "patter.softphone"):
            await socket.send_str(frame)
            complaint = await socket.receive_json()
        payload = base64.b64encode(VOICE).decode()
        await socket.send_json({"event": "media", "payload": payload})
        assert (await socket.receive()).data == VOICE
    assert complaint["event"] == "error"
    assert said in complaint["message"]
    assert complaint["fix"]
    assert said in caplog.text
    assert desk.talk.call.call_id in caplog.text


async def test_audio_of_odd_length_and_no_length_is_only_audio() -> None:
    desk = SwitchboardSpy()
    async with _socket(desk) as socket:
        await socket.receive_json()
        for odd in (b"\x01", b"", b"\x02" * 161):
            await socket.send_bytes(odd)
        assert (await socket.receive()).data == b"\x01"
        assert (await socket.receive()).data == b"\x02" * 161


async def test_a_huge_frame_costs_its_own_call_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url, ClientSession() as client, Softphone(url=url).call() as other:
        async with client.ws_connect(url + await _media_path(client, url)) as socket:
            await socket.receive_json()
            with suppress(ConnectionError):
                await socket.send_bytes(bytes(10_000_000))
            async for _ in socket:
                pass
        await other.press("1")
        await other.say(VOICE)
    first, second = desk.talks
    assert desk.talks[first].events[0] == Dtmf("1")
    assert f"call {second}: softphone socket failed" in caplog.text


async def test_a_frame_over_the_limit_is_closed_with_the_code_for_that() -> None:
    async with _socket(SwitchboardSpy()) as socket:
        await socket.send_bytes(bytes(65_537))
        async for _ in socket:
            pass
        assert socket.close_code == 1009


async def test_too_many_bad_frames_close_the_socket() -> None:
    async with _socket(SwitchboardSpy()) as socket:
        for _ in range(60):
            await socket.send_str("{")
        async for _ in socket:
            pass
        assert socket.close_code == 4400


async def test_a_call_that_does_not_listen_loses_audio_but_no_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listening = asyncio.Event()

    async def late(talk: Talk, leg: MediaLeg) -> None:
        await listening.wait()
        await echo(talk, leg)

    desk = SwitchboardSpy(late)
    async with _socket(desk) as socket:
        for _ in range(700):
            await socket.send_bytes(VOICE[:160])
        await socket.send_json({"event": "dtmf", "digit": "8"})
        await socket.send_str("{")
        assert (await socket.receive_json())["event"] == "error"
        listening.set()
        await socket.send_json({"event": "hangup"})
        async for _ in socket:
            pass
    assert desk.talk.events == [Dtmf("8"), Hangup("")]
    assert len(desk.talk.audio) == 500 * 160
    assert "some is lost" in caplog.text


async def test_a_client_that_takes_nothing_is_closed_with_the_code_for_that() -> None:
    async def flood(talk: Talk, leg: MediaLeg) -> None:
        for _ in range(5_000):
            await leg.send(b"\x20")

    async with _socket(SwitchboardSpy(flood)) as socket:
        async for _ in socket:
            pass
        assert socket.close_code == 4408


async def test_a_wrong_token_is_refused_with_its_own_code_and_a_reason() -> None:
    async with (
        serving(SwitchboardSpy()) as url,
        ClientSession() as client,
        client.ws_connect(url + "/media/softphone/forged") as socket,
    ):
        message = await socket.receive()
    assert (message.data, message.extra) == (4401, "the media token is held or unknown")


async def test_a_token_in_use_is_refused_and_the_holder_keeps_its_call() -> None:
    async with (
        serving(SwitchboardSpy()) as url,
        Softphone(url=url).call() as call,
        ClientSession() as client,
    ):
        await call.say(b"\xff" * 160)
        async with client.ws_connect(url + call.media_path) as socket:
            assert (await socket.receive()).data == 4401
        await call.say(VOICE)
        assert not call.over


async def test_a_conversation_that_fails_takes_no_other_call_with_it() -> None:
    async def fail_once(talk: Talk, leg: MediaLeg) -> None:
        async for event in leg:
            if isinstance(event, Dtmf):
                raise PatterError("the brain fell out", fix="put it back")

    async with serving(SwitchboardSpy(fail_once)) as url, Softphone(url=url).call() as other:
        async with Softphone(url=url).call() as call:
            await call.press("0")
            await call.ended()
        assert call.close_code == 4500
        await other.say(VOICE)
        assert not other.over


async def test_a_caller_notices_that_the_server_stopped() -> None:
    async with AsyncExitStack() as stack:
        async with serving(SwitchboardSpy()) as url:
            call = await stack.enter_async_context(Softphone(url=url).call())
            await call.say(b"\xff" * 160)
        await call.ended()
    assert call.close_code in (1001, 1006)
    assert call.over


async def test_caller_and_variables_reach_the_switchboard() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url:
        phone = Softphone(url=url, caller="Ada", variables={"table": "7"})
        async with phone.call():
            assert len(desk.rung) == 1
    (incoming,) = desk.rung
    assert (incoming.carrier, incoming.caller) == ("softphone", "Ada")
    assert incoming.variables == {"table": "7"}
    assert len(incoming.carrier_call_id) == 32


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"caller": 5}', "'caller' is not text"),
        (b'{"variables": [1]}', "'variables' is not an object"),
        (b'{"variables": {"a": 1}}', "variable 'a' is not text"),
        (b'{"caller": "' + b"x" * 20_000 + b'"}', "over 16384 bytes"),
    ],
)
async def test_a_bad_call_request_is_told_what_is_wrong(body: bytes, said: str) -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url:
        status, error = await _call(url, body)
    assert status == 400
    assert said in error["message"]
    assert error["fix"]
    assert not desk.rung


async def test_a_form_from_another_site_cannot_call() -> None:
    desk = SwitchboardSpy()
    async with serving(desk) as url:
        status, error = await _call(url, b"{}", {"Content-Type": "text/plain"})
        assert (status, error["code"]) == (400, "INPUT_VALIDATION")
        status, error = await _call(url, b"{}", {"Origin": "https://evil.example.net"})
        assert (status, error["code"]) == (403, "WEBHOOK_VERIFICATION")
        status, error = await _call(url, b"{}", {"Host": "evil.example.net"})
        assert (status, error["code"]) == (403, "WEBHOOK_VERIFICATION")
    assert not desk.rung


async def test_another_sites_page_cannot_open_a_media_socket() -> None:
    async with serving(SwitchboardSpy()) as url, ClientSession() as client:
        path = await _media_path(client, url)
        with pytest.raises(WSServerHandshakeError, match="403"):
            await client.ws_connect(url + path, origin="https://evil.example.net")


async def test_a_full_server_says_so() -> None:
    async with serving(SwitchboardSpy(full=True)) as url:
        with pytest.raises(PatterError, match="no more calls") as caught:
            async with Softphone(url=url).call():
                pass
    assert caught.value.code is ErrorCode.RATE_LIMIT


async def test_a_caller_without_a_server_is_told_how_to_start_one() -> None:
    with pytest.raises(PatterError) as caught:
        async with Softphone(url="http://127.0.0.1:9").call():
            pass
    assert caught.value.code is ErrorCode.CONNECTION
    assert caught.value.fix == "start one: patter phone"


def test_a_caller_stays_on_this_machine_unless_told_otherwise() -> None:
    with pytest.raises(InputError, match="not this machine"):
        Softphone(url="http://agent.example.com")
    assert Softphone(url="https://agent.example.com", remote=True)


async def test_a_dropped_line_is_lost_not_ended() -> None:
    desk = SwitchboardSpy()
    async with _socket(desk, FAULTY) as socket:
        await socket.receive_json()
        await socket.send_json({"event": "drop"})
        assert (await socket.receive()).data == 4499
    assert not desk.talk.events


@pytest.mark.parametrize(
    "deed",
    [
        lambda phone: phone.dial(None),
        lambda phone: phone.transfer("x", TransferRequest(target="+15550100200")),
        lambda phone: phone.send_dtmf("x", "1"),
        lambda phone: phone.start_recording("x"),
        lambda phone: phone.look_up("+15550100200"),
    ],
)
async def test_what_a_softphone_cannot_do_is_refused_with_advice(deed: Any) -> None:
    with pytest.raises(PatterError, match="a softphone cannot") as caught:
        async with SoftphoneCarrier().open(SwitchboardSpy()) as line:
            await deed(line)
    assert caught.value.code is ErrorCode.PROVISION
    assert caught.value.fix


async def test_the_page_may_load_nothing_but_itself() -> None:
    async with serving(SwitchboardSpy()) as url, ClientSession() as client:
        async with client.get(url + "/") as answer:
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        async with client.get(url + "/softphone/app.js") as answer:
            assert answer.content_type == "text/javascript"
    assert "default-src 'none'" in policy
    assert "http" not in page.replace("http-equiv", "")


async def test_without_a_page_only_the_protocol_is_served() -> None:
    carrier = SoftphoneCarrier(page="false")
    async with serving(SwitchboardSpy(), carrier) as url, ClientSession() as client:
        async with client.get(url + "/") as answer:
            assert answer.status == 404
        async with client.get(url + "/webhooks/softphone/hello") as answer:
            assert await answer.json() == {"softphone": 1, "faults": False}


@asynccontextmanager
async def _socket(
    desk: SwitchboardSpy, carrier: SoftphoneCarrier | None = None
) -> AsyncIterator[ClientWebSocketResponse]:
    """The media socket of a call, with nothing between it and the test."""
    async with serving(desk, carrier) as url, ClientSession() as client:
        path = await _media_path(client, url)
        async with client.ws_connect(url + path) as socket:
            yield socket


async def _call(
    url: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with (
        ClientSession() as client,
        client.post(f"{url}/webhooks/softphone/call", data=body, headers=sent) as answer,
    ):
        return answer.status, (await answer.json())["error"]


async def _media_path(client: ClientSession, url: str) -> str:
    async with client.post(f"{url}/webhooks/softphone/call", json={}) as answer:
        path: str = json.loads(await answer.text())["media_path"]
        return path
