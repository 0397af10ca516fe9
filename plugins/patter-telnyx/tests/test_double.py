"""The double, asked by Telnyx's own client and checked by Telnyx's own library."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_type_hints

import orjson
import pytest
from telnyx import APIStatusError, AsyncTelnyx, Telnyx
from telnyx.lib import verify_webhook_signature

from patter.providers.carrier import TransferRequest
from patter_telnyx.double import TelnyxAccountDouble, TelnyxDouble
from patter_telnyx.double.api import Api
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HOST, HUMAN, OURS, THEIRS, until

from .harness import harness

STREAM: dict[str, Any] = {
    "stream_url": f"wss://{HOST}/media/telnyx/x",
    "stream_bidirectional_mode": "rtp",
}


@asynccontextmanager
async def client(key: str = "") -> AsyncIterator[tuple[AsyncTelnyx, TelnyxAccountDouble]]:
    async with TelnyxDouble(numbers=(OURS,), connects=False).open() as vendor:
        vendor.application.webhook_event_url = f"{vendor.runtime.url}/nowhere"
        async with AsyncTelnyx(
            api_key=key or vendor.settings.api_key,
            base_url=f"{vendor.runtime.url}/v2",
            max_retries=0,
        ) as theirs:
            yield theirs, vendor


async def placed(telnyx: AsyncTelnyx, vendor: TelnyxAccountDouble, **options: Any) -> str:
    told = {"connection_id": vendor.account, "to": THEIRS, "from_": OURS, **options}
    answer = await telnyx.calls.dial(**told)
    assert answer.data is not None
    return answer.data.call_control_id


async def test_telnyxs_client_places_reads_and_ends_a_call() -> None:
    async with client() as (telnyx, vendor):
        call_id = await placed(telnyx, vendor, **STREAM)
        call = await vendor.dialled()
        assert (call.call_id, call.callee, call.caller) == (call_id, THEIRS, OURS)
        await call.answers()
        status = await telnyx.calls.retrieve_status(call_id)
        assert status.data is not None
        assert status.data.is_alive
        done = await telnyx.calls.actions.hangup(call_id)
        assert done.data is not None
        assert done.data.result == "ok"
        assert call.where is CallerLocation.ENDED


async def test_telnyxs_client_does_to_a_call_what_we_do() -> None:
    async with client() as (telnyx, vendor):
        call_id = await placed(telnyx, vendor)
        call = await vendor.dialled()
        await call.answers()
        actions = telnyx.calls.actions
        await actions.send_dtmf(call_id, digits="12w")
        await actions.start_recording(call_id, channels="dual", format="mp3")
        await actions.speak(call_id, payload="hello", voice="female", language="en-US")
        await actions.start_streaming(call_id, **STREAM)
        await actions.stop_streaming(call_id)
        await actions.transfer(call_id, to=HUMAN)
        assert (call.digits, call.recorded, call.spoken) == ("12w", 1, ["hello"])
        assert (await call.human()).callee == HUMAN
        other = vendor.rings()
        await actions.answer(other.call_id, **STREAM)
        await actions.bridge(other.call_id, call_control_id_to_bridge_with=call_id)
        assert call.where is other.where is CallerLocation.HUMAN
        third = vendor.rings()
        await actions.reject(third.call_id, cause="USER_BUSY")
        assert third.over


async def test_telnyxs_client_sets_a_number_and_its_application() -> None:
    async with client() as (telnyx, vendor):
        (number,) = [each async for each in telnyx.phone_numbers.list()]
        assert number.phone_number == OURS
        await telnyx.phone_numbers.update(number.id or "", connection_id="7")
        found = [n async for n in telnyx.phone_numbers.list(filter={"phone_number": OURS})]
        assert [each.phone_number for each in found] == [OURS]
        update = telnyx.call_control_applications.update
        await update(vendor.account, application_name="a", webhook_event_url="https://x/y")
        told = await telnyx.call_control_applications.retrieve(vendor.account)
        assert told.data is not None
        assert (told.data.application_name, told.data.webhook_event_url) == ("a", "https://x/y")


async def refused(ask: Any) -> tuple[int, str]:
    with pytest.raises(APIStatusError) as raised:
        await ask
    body: Any = raised.value.body
    return raised.value.status_code, body["errors"][0]["code"]


async def test_refusals_carry_telnyxs_codes() -> None:
    async with client() as (telnyx, vendor):
        assert await refused(placed(telnyx, vendor, to="555")) == (422, "10016")
        assert await refused(placed(telnyx, vendor, from_=HUMAN)) == (403, "D51")
        assert await refused(placed(telnyx, vendor, connection_id="9")) == (422, "10015")
        actions = telnyx.calls.actions
        assert await refused(actions.hangup("v3:nobody")) == (404, "10005")
        call_id = await placed(telnyx, vendor)
        assert await refused(actions.send_dtmf(call_id, digits="1")) == (422, "90034")
        await actions.hangup(call_id)
        assert await refused(actions.hangup(call_id)) == (422, "90018")
    async with client(key="wrong") as (telnyx, vendor):
        assert await refused(placed(telnyx, vendor)) == (401, "10009")


async def test_every_event_is_signed_and_shaped_as_telnyxs_library_knows_it() -> None:
    async with harness() as at:
        at.vendor.application.call_cost_in_webhooks = True
        call, attached = await at.inbound(headers={"X-Who": "Ada"})
        await at.line.start_recording(call.call_id)
        await call.hangs_up()
        await at.posted("call.cost")
        await at.posted("call.recording.saved")
        theirs = Telnyx(api_key="k", public_key=at.vendor.settings.public_key)
        sent = [webhook for webhook, _ in at.vendor.runtime.sender.answers]
        kinds = set()
        for webhook in sent:
            headers = at.vendor.runtime.sender.sign(webhook)
            verify_webhook_signature(webhook.body, headers, at.vendor.settings.public_key)
            event: Any = theirs.webhooks.unwrap(webhook.body.decode(), headers=dict(headers))
            told = orjson.loads(webhook.body)["data"]
            assert event.data.event_type == told["event_type"]
            assert set(told["payload"]) <= _fields(event.data.payload), told["event_type"]
            kinds.add(told["event_type"])
        assert {"call.initiated", "call.answered", "call.hangup", "call.cost"} <= kinds
        attached.done()


def _fields(payload: Any) -> set[str]:
    return {field.alias or name for name, field in type(payload).model_fields.items()} | {"from"}


ORDERS = {
    "answer": "action_answer_params.ActionAnswerParams",
    "reject": "action_reject_params.ActionRejectParams",
    "hangup": "action_hangup_params.ActionHangupParams",
    "transfer": "action_transfer_params.ActionTransferParams",
    "bridge": "action_bridge_params.ActionBridgeParams",
    "speak": "action_speak_params.ActionSpeakParams",
    "send_dtmf": "action_send_dtmf_params.ActionSendDtmfParams",
    "record_start": "action_start_recording_params.ActionStartRecordingParams",
    "record_pause": "action_pause_recording_params.ActionPauseRecordingParams",
    "record_resume": "action_resume_recording_params.ActionResumeRecordingParams",
    "streaming_start": "action_start_streaming_params.ActionStartStreamingParams",
    "streaming_stop": "action_stop_streaming_params.ActionStopStreamingParams",
}


def named(action: str) -> set[str]:
    """What Telnyx's library calls the parts of an order, as they are on the wire."""
    path = f"calls.{ORDERS[action]}" if action in ORDERS else "call_dial_params.CallDialParams"
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(f"telnyx.types.{module}"), name)
    known = set()
    for field, hint in cls.__annotations__.items():
        alias = re.search(r"alias=['\"](\w+)", str(getattr(hint, "__forward_arg__", hint)))
        known.add(alias[1] if alias else field)
    return known


async def test_every_order_we_give_has_parts_that_telnyxs_library_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, set[str]] = {}
    act, dial = Api.act, Api.dial

    async def noting_act(self: Api, request: Any) -> Any:
        told = given.setdefault(request.match_info["action"], set())
        told |= set(orjson.loads(await request.read()))
        return await act(self, request)

    async def noting_dial(self: Api, request: Any) -> Any:
        given.setdefault("dial", set()).update(orjson.loads(await request.read()))
        return await dial(self, request)

    monkeypatch.setattr(Api, "act", noting_act)
    monkeypatch.setattr(Api, "dial", noting_dial)
    await _give_every_order()
    assert set(given) == {*ORDERS, "dial"}
    for action, parts in given.items():
        assert parts <= named(action), action


async def _give_every_order() -> None:
    async with harness() as at:
        at.vendor.application.call_cost_in_webhooks = True
        call, attached = await at.inbound()
        await at.line.send_dtmf(call.call_id, "1")
        await at.line.start_recording(call.call_id)
        await at.line.pause_recording(call.call_id)
        await at.line.resume_recording(call.call_id)
        await at.line.transfer(
            call.call_id, TransferRequest(target=HUMAN, from_number=OURS, summary="s", mode="warm")
        )
        await (await call.human()).answers()
        await until(lambda: at.actions("streaming_stop") == 1)
        attached.done()
        second, attached = await at.inbound()
        second.drops()
        _ = [event async for event in attached.leg]
        attached.done()
        await second.up(2)
        attached = await at.next_leg()
        cold = TransferRequest(target=HUMAN, from_number=OURS)
        await at.line.transfer(second.call_id, cold)
        await at.line.hangup(second.call_id)
        attached.done()
        at.switchboard.full = True
        await at.vendor.rings().is_with(CallerLocation.ENDED)
        at.switchboard.full = False
        third = await at.outbound(machine_detection=True)
        await at.line.hangup(third.call_id)
        await at.posted("call.cost", 3)


def test_the_annotations_of_the_library_can_be_read() -> None:
    assert {"to", "from", "command_id", "stream_url"} <= named("dial")
    assert "call_control_id" in named("bridge")
    assert get_type_hints(TelnyxDouble)
