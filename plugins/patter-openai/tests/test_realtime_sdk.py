"""The double and the engine, held against what OpenAI wrote: its SDK, its models, unmodified."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from openai import AsyncOpenAI
from openai.types.realtime import (
    RealtimeClientEvent,
    RealtimeServerEvent,
    RealtimeSessionCreateResponse,
)
from pydantic import BaseModel, TypeAdapter

from patter.audio.formats import PCM16_24K
from patter.providers.engine import EngineTurns, EngineUpdate, TurnDetection
from patter.providers.engine_events import ResponseAudio, ResponseTruncated
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_openai.double import OpenAIDouble
from patter_openai.double.realtime_ears import voice_of
from patter_openai.double.realtime_script import RealtimeScript

from .realtime_harness import Client, client, talking

SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
VOICE = base64.b64encode(voice_of(PCM16_24K, 300, 600)).decode()
CALL = ToolRequest("call-1", "book", '{"people": 2}')
BOOK = {"type": "function", "name": "book", "description": "", "parameters": {"type": "object"}}

NEVER_SENT = {
    "conversation.created",
    "conversation.item.created",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.timeout_triggered",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "output_audio_buffer.cleared",
}
"""Of the beta, of SIP and WebRTC, or of options that the double does not offer."""


def extras(value: object, path: str = "") -> list[str]:
    """The names in *value*, at any depth, that its models do not know."""
    if isinstance(value, BaseModel):
        unknown = [f"{path}.{name}" for name in value.model_extra or {}]
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return unknown + [
            each for name, at in fields.items() for each in extras(at, f"{path}.{name}")
        ]
    if isinstance(value, list):
        return [each for at in value for each in extras(at, f"{path}[]")]
    return []


def check_server_event(body: Mapping[str, Any]) -> str:
    """Fail unless *body* is an event of the SDK's, and no more; returns its type."""
    if body["type"] in ("session.created", "session.updated"):
        # Its event models know a session as it is asked for, not with what the vendor adds to it.
        session = RealtimeSessionCreateResponse.model_validate(body["session"])
        assert extras(session) == [], body
        body = {**body, "session": {"type": "realtime"}}
    event = SERVER.validate_python(body)
    assert event.type == body["type"]
    assert extras(event) == [], body
    return str(event.type)


def types_of(union: Any) -> set[str]:
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0] for model in models}


async def test_the_sdk_holds_a_conversation_with_the_double() -> None:
    script = RealtimeScript(replies=("At seven.",))
    async with OpenAIDouble(realtime=script, lines=["when do you close"]).running() as double:
        sdk = AsyncOpenAI(base_url=f"{double.url}/v1", api_key=double.key)
        said, heard, sound = "", "", 0
        async with sdk.realtime.connect(model="gpt-realtime") as connection:
            assert (await connection.recv()).type == "session.created"
            await connection.session.update(
                session={
                    "type": "realtime",
                    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
                }
            )
            await connection.input_audio_buffer.append(audio=VOICE)
            async for event in connection:
                match event.type:
                    case "response.output_audio.delta":
                        sound += len(base64.b64decode(event.delta))
                    case "response.output_audio_transcript.delta":
                        said += event.delta
                    case "conversation.item.input_audio_transcription.completed":
                        heard = event.transcript
                    case "response.done":
                        assert event.response.status == "completed"
                if said and heard and event.type == "response.done":
                    break
        await sdk.close()
    assert (heard, said) == ("when do you close", "At seven.")
    assert PCM16_24K.ms_in(sound) == len(said) * script.ms_per_letter


async def walk(vendor: Client) -> None:
    """Say everything there is to say, and provoke everything there is to hear."""
    item = {"id": "mine", "type": "message", "role": "user"}
    text = {"type": "input_text", "text": "Hello."}
    await vendor.begins(
        tools=[BOOK], audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}}}
    )
    await vendor.says("conversation.item.create", item={**item, "content": [text]})
    await vendor.hears("conversation.item.done")
    await vendor.says("conversation.item.retrieve", item_id="mine")
    await vendor.hears("conversation.item.retrieved")
    await vendor.says("conversation.item.delete", item_id="mine")
    await vendor.hears("conversation.item.deleted")
    await vendor.says("input_audio_buffer.append", audio=VOICE)
    await vendor.hears("response.function_call_arguments.done")
    await vendor.hears("response.done")
    result = {"type": "function_call_output", "call_id": CALL.id, "output": "seven"}
    await vendor.says("conversation.item.create", item=result)
    await vendor.says("response.create", response={"metadata": {"a": "b"}})
    done = await vendor.hears("response.done")
    spoken = done["response"]["output"][0]["id"]
    cut = {"item_id": spoken, "content_index": 0, "audio_end_ms": 20}
    await vendor.says("conversation.item.truncate", **cut)
    await vendor.hears("conversation.item.truncated")
    await vendor.says("response.create", response={"output_modalities": ["text"]})
    await vendor.hears("response.output_text.done")
    await vendor.hears("response.done")
    await vendor.says("input_audio_buffer.clear")
    await vendor.hears("input_audio_buffer.cleared")
    await vendor.says("response.cancel")
    await vendor.hears("error")


async def endings(vendor: Client) -> None:
    """Responses that fail, are filtered, too long, and cancelled."""
    await vendor.begins()
    for _ in range(2):
        await vendor.says("response.create")
        await vendor.hears("response.done")
    await vendor.says("response.create", response={"max_output_tokens": 1})
    await vendor.hears("response.done")
    await vendor.says("response.create")
    await vendor.hears("response.output_audio.delta")
    await vendor.says("response.cancel")
    await vendor.hears("response.done")


async def test_every_event_of_the_double_is_one_of_the_sdk() -> None:
    async with client(calls=[CALL], replies=("Yes, at seven.",)) as vendor:
        await walk(vendor)
        seen = {check_server_event(body) for body in vendor.log}
    failed = {"type": "server_error", "code": "server_error", "message": "sorry"}
    async with client(failures=[failed], filtered=1, pace_ms=20) as vendor:
        await endings(vendor)
        seen |= {check_server_event(body) for body in vendor.log}
    dones = [each["response"] for each in vendor.log if each["type"] == "response.done"]
    assert [(each["status"], each["status_details"]) for each in dones] == [
        ("failed", {"type": "failed", "error": failed}),
        ("incomplete", {"type": "incomplete", "reason": "content_filter"}),
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}),
        ("cancelled", {"type": "cancelled", "reason": "client_cancelled"}),
    ]
    offered = {each for each in types_of(RealtimeServerEvent) if "mcp" not in each}
    assert seen == offered - NEVER_SENT


def test_the_check_convicts_what_the_sdk_does_not_know() -> None:
    known = {"type": "input_audio_buffer.cleared", "event_id": "e"}
    assert check_server_event(known) == "input_audio_buffer.cleared"
    with pytest.raises(AssertionError):
        check_server_event({**known, "colour": "red"})


SETTINGS: list[dict[str, Any]] = [
    {},
    {
        "model": "gpt-realtime-2",
        "voice": "voice_123",
        "input_format": "pcmu",
        "output_format": "pcma",
        "speed": 1.2,
        "input_audio_transcription_model": "gpt-transcribe",
        "transcription_language": "de-AT",
        "transcription_prompt": "names",
        "turn_detection": "semantic_vad",
        "noise_reduction": "near_field",
        "max_output_tokens": 500,
        "tool_choice": "book",
        "parallel_tool_calls": True,
        "reasoning_effort": "low",
        "truncation": 0.8,
        "truncation_tokens": 5_000,
        "prompt": "pmpt_1",
        "prompt_version": "2",
        "prompt_variables": {"city": "Bern"},
        "tracing": "calls",
    },
    {"input_audio_transcription_model": "", "tracing": "auto", "truncation": "disabled"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "full", "bare"])
async def test_every_message_of_the_engine_is_one_of_the_sdk(settings: dict[str, Any]) -> None:
    history = (
        Message("system", "It is Monday."),
        Message("user", "Hello."),
        Message("assistant", "Hi.", tool_calls=(CALL,)),
        Message("tool", "seven", tool_call_id=CALL.id),
    )
    tools = (ToolSpec("book", "Book a table", {"type": "object"}),)
    async with talking(settings=settings, history=history, tools=tools, greeting="Hi.") as talk:
        await talk.session.send(b"\xff\xff" * 480)
        first = await talk.session.respond("Shout.")
        await talk.events.until_done(first)
        await talk.session.interrupt(first, 60)
        await talk.session.interrupt(first, 0)
        await talk.session.send_text("A table, please.")
        await talk.session.send_keys("1")
        await talk.script.linger()
        last = await talk.session.say("Goodbye.")
        await talk.one(ResponseAudio)
        await talk.session.interrupt(last, 0)
        await talk.session.update(EngineUpdate(instructions="Be kind.", tools=()))
        await talk.one(ResponseTruncated)
        sent = [body for _, body in talk.double.log]
    turns = EngineTurns(detection=TurnDetection.MANUAL)
    async with talking(turns=turns, text_only=True) as talk:
        await talk.script.hear("one")
        await talk.session.commit()
        text = await talk.session.respond()
        await talk.events.until_done(text)
        await talk.session.interrupt_text(text, "Of")
        await talk.one(ResponseTruncated)
        sent += [body for _, body in talk.double.log]
    for body in sent:
        event = CLIENT.validate_python(body)
        assert event.type == body["type"] and extras(event) == [], body
    offered = types_of(RealtimeClientEvent)
    never = {"conversation.item.retrieve", "input_audio_buffer.clear", "output_audio_buffer.clear"}
    assert {body["type"] for body in sent} == offered - never
