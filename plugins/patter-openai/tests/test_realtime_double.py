"""The double of the Realtime API is as strict as the vendor, whoever its client is."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest

from patter.audio.formats import PCM16_24K
from patter_openai.double import OpenAIDouble
from patter_openai.double.realtime_ears import voice_of
from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.vendor_double import Latency

from .realtime_harness import client

MESSAGE = {"type": "message", "role": "user"}
HELLO = {**MESSAGE, "content": [{"type": "input_text", "text": "Hello."}]}
MANUAL = {"input": {"turn_detection": None}}


def voice(voice_ms: float, pause_ms: float = 0.0) -> str:
    return base64.b64encode(voice_of(PCM16_24K, voice_ms, pause_ms)).decode()


def session(**fields: Any) -> dict[str, Any]:
    return {"session": {"type": "realtime", **fields}}


def output(**fields: Any) -> dict[str, Any]:
    return session(audio={"output": fields})


def hearing(**fields: Any) -> dict[str, Any]:
    return session(audio={"input": fields})


async def test_a_session_begins_with_the_vendors_defaults() -> None:
    async with client() as vendor:
        created = (await vendor.hears("session.created"))["session"]
    turns = created["audio"]["input"]["turn_detection"]
    assert (created["type"], created["output_modalities"]) == ("realtime", ["audio"])
    assert created["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "alloy",
        "speed": 1.0,
    }
    assert (turns["type"], turns["threshold"], turns["silence_duration_ms"]) == (
        "server_vad",
        0.5,
        500,
    )
    assert turns["create_response"] and turns["interrupt_response"]
    assert created["audio"]["input"]["transcription"] is None
    assert created["max_output_tokens"] == "inf"


REFUSED: list[tuple[str, dict[str, Any], str, str | None]] = [
    (
        "session.update",
        {"session": {"instructions": "x"}},
        "missing_required_parameter",
        "session.type",
    ),
    ("session.update", {}, "missing_required_parameter", "session"),
    ("session.update", session(temperature=0.8), "unknown_parameter", "session.temperature"),
    ("session.update", session(modalities=["text"]), "unknown_parameter", "session.modalities"),
    (
        "session.update",
        session(input_audio_format="g711_ulaw"),
        "unknown_parameter",
        "session.input_audio_format",
    ),
    ("session.update", hearing(colour=1), "unknown_parameter", "session.audio.input.colour"),
    ("session.update", {"session": {"type": "talk"}}, "invalid_value", "session.type"),
    ("session.update", session(output_modalities=["text", "audio"]), "invalid_value", None),
    ("session.update", session(max_output_tokens=5_000), "invalid_value", None),
    ("session.update", session(model="gpt-realtime-2"), "cannot_update_model", None),
    ("session.update", session(reasoning={"effort": "low"}), "invalid_parameter", None),
    ("session.update", session(tools=[{"type": "function"}]), "missing_required_parameter", None),
    (
        "session.update",
        session(tools=[{"type": "function", "name": "f", "strict": True}]),
        "unknown_parameter",
        "session.tools[0].strict",
    ),
    ("session.update", output(voice="nobody"), "invalid_value", "session.audio.output.voice"),
    ("session.update", output(speed=2), "invalid_value", None),
    ("session.update", output(format={"type": "audio/pcm"}), "invalid_value", None),
    ("session.update", output(format={"type": "g711_ulaw"}), "invalid_value", None),
    ("session.update", hearing(turn_detection={"type": "vad"}), "invalid_value", None),
    (
        "session.update",
        hearing(turn_detection={"type": "semantic_vad", "threshold": 0.5}),
        "unknown_parameter",
        "session.audio.input.turn_detection.threshold",
    ),
    ("session.update", hearing(transcription={}), "missing_required_parameter", None),
    ("input_audio_buffer.append", {"audio": "?"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio"),
    ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    ("conversation.item.create", {"item": {}}, "missing_required_parameter", "item.type"),
    ("conversation.item.create", {"item": {"type": "song"}}, "invalid_value", "item.type"),
    (
        "conversation.item.create",
        {"item": {**HELLO, "id": "x" * 33}},
        "string_above_max_length",
        None,
    ),
    ("conversation.item.create", {"item": {**HELLO, "role": "assistant"}}, "invalid_value", None),
    (
        "conversation.item.create",
        {"item": HELLO, "previous_item_id": "nobody"},
        "item_not_found",
        "previous_item_id",
    ),
    (
        "conversation.item.create",
        {"item": {"type": "function_call_output", "call_id": "c", "output": ""}},
        "invalid_tool_call_id",
        None,
    ),
    ("conversation.item.delete", {"item_id": "x"}, "item_delete_invalid_item_id", None),
    ("conversation.item.retrieve", {"item_id": "x"}, "item_not_found", None),
    ("response.cancel", {}, "response_cancel_not_active", None),
    ("response.create", {"response": {"voice": "ash"}}, "unknown_parameter", "response.voice"),
    ("response.create", {"response": {"metadata": {"a": 1}}}, "string_above_max_length", None),
    ("response.sing", {}, "invalid_value", "type"),
    ("output_audio_buffer.clear", {}, "invalid_value", None),
]


@pytest.mark.parametrize(
    ("kind", "fields", "code", "param"), REFUSED, ids=lambda each: str(each)[:48]
)
async def test_what_is_wrong_is_refused_and_ends_nothing(
    kind: str, fields: dict[str, Any], code: str, param: str | None
) -> None:
    async with client() as vendor:
        await vendor.hears("session.created")
        await vendor.says(kind, event_id="mine", **fields)
        error = await vendor.error()
        assert (error["type"], error["code"]) == ("invalid_request_error", code)
        assert error["event_id"] == "mine" and error["message"]
        assert param is None or error["param"] == param
        await vendor.says("response.create")
        await vendor.hears("response.done")


async def test_what_is_not_json_is_refused() -> None:
    async with client() as vendor:
        await vendor.socket.send_str("{")
        assert (await vendor.error())["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("model", "headers", "code"),
    [
        ("gpt-realtime", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"),
        ("gpt-9", {}, "model_not_found"),
        ("", {}, "missing_model"),
    ],
)
async def test_a_session_that_cannot_be_is_told_so_and_closed(
    model: str, headers: dict[str, str], code: str
) -> None:
    async with client(model=model, headers=headers) as vendor:
        assert (await vendor.error())["code"] == code
        closed = await vendor.socket.receive()
    assert (closed.data, closed.extra) == (4000, f"invalid_request_error.{code}")
    assert [body["type"] for body in vendor.log] == ["error"]


async def test_another_key_gets_no_socket() -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        async with client(headers={"Authorization": "Bearer another"}):
            pytest.fail("it was taken")


async def test_one_response_at_a_time() -> None:
    async with client(lingers=True) as vendor:
        await vendor.says("response.create")
        created = await vendor.hears("response.created")
        await vendor.says("response.create", event_id="second")
        error = await vendor.error()
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
        await vendor.says("response.cancel", response_id="another")
        assert (await vendor.error())["code"] == "response_cancel_not_active"
        await vendor.says("response.cancel", response_id=created["response"]["id"])
        done = await vendor.hears("response.done")
    assert done["response"]["status_details"] == {
        "type": "cancelled",
        "reason": "client_cancelled",
    }
    assert done["response"]["output"][0]["status"] == "incomplete"


async def test_a_voice_cannot_change_once_it_was_heard() -> None:
    async with client() as vendor:
        await vendor.says("session.update", **output(voice="ash"))
        await vendor.hears("session.updated")
        await vendor.says("response.create")
        await vendor.hears("response.done")
        await vendor.says("session.update", **output(voice="ash", speed=1.1))
        await vendor.hears("session.updated")
        await vendor.says("session.update", **output(voice="sage"))
        assert (await vendor.error())["code"] == "cannot_update_voice"


async def test_an_update_changes_only_what_it_has() -> None:
    async with client() as vendor:
        await vendor.begins(instructions="One.", audio={"output": {"voice": "ash"}})
        await vendor.says("session.update", **session(instructions=""))
        updated = (await vendor.hears("session.updated"))["session"]
    assert (updated["instructions"], updated["audio"]["output"]["voice"]) == ("", "ash")
    assert updated["audio"]["input"]["turn_detection"]["type"] == "server_vad"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audio_end_ms": 601}, "invalid_value"),
        ({"content_index": 1}, "invalid_value"),
        ({"item_id": "nobody"}, "item_not_found"),
    ],
)
async def test_audio_is_cut_only_where_there_is_some(changes: dict[str, Any], code: str) -> None:
    async with client(replies=("Of course.",)) as vendor:
        await vendor.says("response.create")
        done = await vendor.hears("response.done")
        item = done["response"]["output"][0]["id"]
        cut = {"item_id": item, "content_index": 0, "audio_end_ms": 100, **changes}
        await vendor.says("conversation.item.truncate", **cut)
        assert (await vendor.error())["code"] == code


async def test_a_text_cannot_be_cut_and_a_cut_audio_has_no_words() -> None:
    async with client() as vendor:
        await vendor.says("response.create", response={"output_modalities": ["text"]})
        text = (await vendor.hears("response.done"))["response"]["output"][0]["id"]
        cut = {"content_index": 0, "audio_end_ms": 40}
        await vendor.says("conversation.item.truncate", item_id=text, **cut)
        assert (await vendor.error())["code"] == "unsupported_content_type"
        await vendor.says("response.create")
        spoken = (await vendor.hears("response.done"))["response"]["output"][0]["id"]
        await vendor.says("conversation.item.truncate", item_id=spoken, **cut)
        await vendor.hears("conversation.item.truncated")
        await vendor.says("conversation.item.retrieve", item_id=spoken)
        item = (await vendor.hears("conversation.item.retrieved"))["item"]
    assert item["content"] == [{"type": "output_audio"}]


async def test_turns_come_from_the_voice_in_the_audio() -> None:
    async with client(hears=["one", "two"]) as vendor:
        await vendor.begins(audio={"input": {"transcription": {"model": "whisper-1"}}})
        await vendor.says("input_audio_buffer.append", audio=voice(0, 2_000))
        await vendor.says("input_audio_buffer.append", audio=voice(500))
        started = await vendor.hears("input_audio_buffer.speech_started")
        await vendor.says("input_audio_buffer.append", audio=voice(0, 600))
        stopped = await vendor.hears("input_audio_buffer.speech_stopped")
        committed = await vendor.hears("input_audio_buffer.committed")
        heard = await vendor.hears("conversation.item.input_audio_transcription.completed")
    assert started["audio_start_ms"] == 2_000 - 300
    assert 3_000 <= stopped["audio_end_ms"] <= 3_100
    assert started["item_id"] == stopped["item_id"] == committed["item_id"] == heard["item_id"]
    assert heard["transcript"] == "one" and heard["usage"]["type"] == "duration"
    order = [body["type"] for body in vendor.log]
    assert order.index("response.created") < order.index(heard["type"])


async def test_a_semantic_turn_waits_for_who_has_not_finished() -> None:
    turns = {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}
    async with client(hears=["and then...", "that is all"]) as vendor:
        await vendor.begins(audio={"input": turns})
        await vendor.says("input_audio_buffer.append", audio=voice(500, 1_900))
        await vendor.says("response.create")
        await vendor.hears("response.done")
        assert not any(body["type"].endswith("committed") for body in vendor.log)
        await vendor.says("input_audio_buffer.append", audio=voice(0, 200))
        await vendor.hears("input_audio_buffer.committed")
        await vendor.hears("response.done")
        await vendor.says("input_audio_buffer.append", audio=voice(500, 300))
        await vendor.hears("input_audio_buffer.committed")


async def test_without_detection_nothing_happens_until_the_commit() -> None:
    async with client(hears=["one"]) as vendor:
        await vendor.begins(audio=MANUAL)
        await vendor.says("input_audio_buffer.append", audio=voice(500, 900))
        await vendor.says("input_audio_buffer.commit")
        await vendor.hears("input_audio_buffer.committed")
        await vendor.hears("conversation.item.done")
        await vendor.says("input_audio_buffer.commit")
        assert (await vendor.error())["code"] == "input_audio_buffer_commit_empty"
    kinds = {body["type"] for body in vendor.log}
    assert not kinds & {"input_audio_buffer.speech_started", "response.created"}


async def test_audio_that_was_cleared_is_forgotten() -> None:
    async with client(hears=["one"]) as vendor:
        await vendor.begins(audio=MANUAL)
        await vendor.says("input_audio_buffer.append", audio=voice(500))
        await vendor.says("input_audio_buffer.clear")
        await vendor.hears("input_audio_buffer.cleared")
        await vendor.says("input_audio_buffer.commit")
        assert (await vendor.error())["code"] == "input_audio_buffer_commit_empty"


async def test_a_voice_interrupts_only_where_it_may() -> None:
    for may in (True, False):
        turns = {"type": "server_vad", "create_response": False, "interrupt_response": may}
        async with client(lingers=True) as vendor:
            await vendor.begins(audio={"input": {"turn_detection": turns}})
            await vendor.says("response.create")
            await vendor.hears("response.output_audio.delta")
            await vendor.says("input_audio_buffer.append", audio=voice(500, 600))
            if not may:
                await vendor.hears("input_audio_buffer.committed")
                await vendor.says("response.cancel")
            done = await vendor.hears("response.done")
        reason = "turn_detected" if may else "client_cancelled"
        assert done["response"]["status_details"]["reason"] == reason


async def test_audio_comes_faster_than_it_is_played_and_late_where_that_is_set() -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    script = RealtimeScript(replies=("x" * 500,))
    double = OpenAIDouble(realtime=script, latency=Latency(p50_ms=100))
    async with client(double) as vendor:
        await vendor.hears("session.created")
        begin = loop.time()
        await vendor.says("response.create")
        await vendor.hears("response.output_audio.delta")
        first_s = loop.time() - begin
        await vendor.hears("response.done")
        all_s = loop.time() - begin
    assert first_s >= 0.09 and all_s < 500 * script.ms_per_letter / 1_000 / 2


async def test_a_session_has_its_time() -> None:
    async with client(session_s=0.05) as vendor:
        assert (await vendor.error())["code"] == "session_expired"
        assert (await vendor.socket.receive()).data == 1001
