"""The vendor's SDK, unmodified, and the double: each is held to the other.

What the double sends parses with the SDK's own models, nothing unknown in it; what the plugin
sends is what the SDK's request types have.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from aiohttp import ClientSession
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from openai.types import ModerationCreateParams, ModerationCreateResponse
from openai.types.audio import (
    SpeechCreateParams,
    Transcription,
    TranscriptionVerbose,
)
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsStreaming
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.realtime import RealtimeClientEventParam, RealtimeServerEvent
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from patter.audio.formats import MULAW_8K, PCM16_24K
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, ToolRequest, ToolSpec
from patter_openai import (
    OpenAILLM,
    OpenAIModeration,
    OpenAITranscribeSTT,
    OpenAITTS,
    WhisperSTT,
)
from patter_openai._transcription_wire import COMMIT, append
from patter_openai._whisper_wire import wav
from patter_openai.double import OpenAIDouble, request_fields
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import Lines
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.fakes.tts import spoken

SPEECH = wav(spoken("a table for two", PCM16_24K), PCM16_24K)
MESSAGES: Any = [{"role": "user", "content": "Hi."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "book_table", "description": "Book.", "parameters": {"type": "object"}},
}
BOOK = ToolSpec("book_table", "Book.", {"type": "object"}, strict=True)
WANTED = ToolRequest("call_1", "book_table", '{"a": 1}')
TURNS = (Turn("Yes, gladly."), Turn("One moment.", (WANTED,)))
REPLY = "This is a simulation. I heard: Hi."


@pytest.fixture
async def sdk(vendor: OpenAIDouble) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key=vendor.key, base_url=f"{vendor.url}/v1", max_retries=0
    ) as client:
        yield client


# The SDK works against the double.


async def test_the_sdk_completes_and_streams_chats(sdk: AsyncOpenAI, vendor: OpenAIDouble) -> None:
    whole = await sdk.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    stream = await sdk.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert whole.choices[0].message.content == text == REPLY
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens == 7


async def test_the_sdk_puts_streamed_calls_together(sdk: AsyncOpenAI, vendor: OpenAIDouble) -> None:
    asked: Any = [{"role": "user", "content": "Book a table."}]
    async with sdk.chat.completions.stream(
        model="gpt-4o-mini", messages=asked, tools=[TOOL]
    ) as stream:
        message = (await stream.get_final_completion()).choices[0].message
    assert message.tool_calls and message.tool_calls[0].function.name == "book_table"


async def test_the_sdk_streams_responses(sdk: AsyncOpenAI, vendor: OpenAIDouble) -> None:
    async with sdk.responses.stream(model="gpt-4o-mini", input="Hi.") as stream:
        final = await stream.get_final_response()
    whole = await sdk.responses.create(model="gpt-4o-mini", input="Hi.")
    assert final.output_text == whole.output_text == REPLY


async def test_the_sdk_speaks(sdk: AsyncOpenAI) -> None:
    reply = await sdk.audio.speech.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hello", response_format="pcm"
    )
    assert reply.content == sounded("Hello", PCM16_24K)


async def test_the_sdk_transcribes(sdk: AsyncOpenAI, vendor: OpenAIDouble) -> None:
    vendor.lines = Lines(["a table", "for two"])
    plain = await sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", SPEECH))
    verbose = await sdk.audio.transcriptions.create(
        model="whisper-1",
        file=("a.wav", SPEECH),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert (plain.text, verbose.text) == ("a table", "for two")
    assert [word.word for word in verbose.words or ()] == ["for", "two"]


async def test_the_sdk_moderates(sdk: AsyncOpenAI) -> None:
    answer = await sdk.moderations.create(input=["nice", "you idiot"])
    assert [result.flagged for result in answer.results] == [False, True]


async def test_the_sdk_lists_models(sdk: AsyncOpenAI, vendor: OpenAIDouble) -> None:
    assert [model.id async for model in sdk.models.list()] == list(vendor.models)
    with pytest.raises(NotFoundError):
        await sdk.models.retrieve("gpt-99")


# The double is as strict as the vendor.

CALL: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "book_table", "arguments": "{}"}}
    ],
}
RESULT: Any = {"role": "tool", "tool_call_id": "t2", "content": "done"}
BAD_CHATS: list[dict[str, Any]] = [
    {"messages": []},
    {"extra_body": {"voice": "alloy"}},
    {"temperature": 2.5},
    {"tool_choice": "auto"},
    {"parallel_tool_calls": True},
    {"stop": ["a", "b", "c", "d", "e"]},
    {"reasoning_effort": "low"},
    {"model": "gpt-5-mini", "temperature": 0.5},
    {"messages": [{"role": "robot", "content": "hi"}]},
    {"messages": [RESULT]},
    {"messages": [*MESSAGES, CALL]},
    {"messages": [*MESSAGES, CALL, RESULT]},
    {"messages": [*MESSAGES, CALL, *MESSAGES]},
]


@pytest.mark.parametrize("bad", BAD_CHATS, ids=str)
async def test_a_chat_that_the_vendor_refuses_is_refused(
    sdk: AsyncOpenAI, bad: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError) as caught:
        await sdk.chat.completions.create(**{"model": "gpt-4o-mini", "messages": MESSAGES, **bad})
    assert caught.value.type == "invalid_request_error"


OUTPUT: Any = {"type": "function_call_output", "call_id": "t1", "output": "done"}
FUNCTION: Any = {"type": "function_call", "call_id": "t1", "name": "book_table", "arguments": "{}"}
BAD_RESPONSES: list[dict[str, Any]] = [
    {"extra_body": {"seed": 7}},
    {"max_output_tokens": 15},
    {"input": [OUTPUT]},
    {"input": [FUNCTION]},
    {"tools": [{"type": "function", "name": "b", "parameters": {}, "strict": True}]},
]


@pytest.mark.parametrize("bad", BAD_RESPONSES, ids=str)
async def test_a_response_that_the_vendor_refuses_is_refused(
    sdk: AsyncOpenAI, bad: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError):
        await sdk.responses.create(**{"model": "gpt-4o-mini", "input": "hi", **bad})


async def test_speech_that_the_vendor_refuses_is_refused(sdk: AsyncOpenAI) -> None:
    for bad in ({"voice": "bob"}, {"input": "a" * 4097}, {"speed": 5}, {"response_format": "mp3"}):
        with pytest.raises(BadRequestError):
            await sdk.audio.speech.create(
                **{  # type: ignore[arg-type]
                    "model": "tts-1",
                    "voice": "alloy",
                    "input": "hi",
                    "response_format": "pcm",
                    **bad,
                }
            )


async def test_a_file_that_the_vendor_refuses_is_refused(sdk: AsyncOpenAI) -> None:
    bad: list[dict[str, Any]] = [
        {"file": ("a.txt", b"hello")},
        {"file": ("a.wav", b"hello")},
        {"file": ("a.wav", SPEECH[:200])},
        {"model": "gpt-4o-transcribe", "response_format": "verbose_json"},
        {"timestamp_granularities": ["word"]},
        {"extra_body": {"voice": "alloy"}},
    ]
    for each in bad:
        with pytest.raises(BadRequestError):
            await sdk.audio.transcriptions.create(
                **{"model": "whisper-1", "file": ("a.wav", SPEECH), **each}
            )


# Every message of the double, with the SDK's models, nothing unknown in it.

_CLOSED: dict[Any, Any] = {}


def closed(kind: Any) -> Any:
    """*kind*, in which no model takes fields that it does not have."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in _CLOSED:
            _CLOSED[kind] = kind  # models that hold themselves
            fields: Any = {
                name: (closed(field.annotation), field) for name, field in kind.model_fields.items()
            }
            strict = type(
                kind.__name__,
                (kind,),
                {"model_config": ConfigDict(extra="forbid"), "__module__": __name__},
            )
            _CLOSED[kind] = create_model(kind.__name__, __base__=strict, **fields)
        return _CLOSED[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if not arguments or getattr(origin, "__name__", "") == "Literal":
        return kind
    new = tuple(closed(each) for each in arguments)
    if getattr(kind, "__metadata__", None):
        return closed(arguments[0])
    import types
    import typing

    if origin in (typing.Union, types.UnionType):
        return typing.Union[new]  # noqa: UP007
    return origin[new] if origin in (list, dict, tuple) else kind


def parses(kind: Any, messages: Iterable[Any]) -> None:
    adapter: Any = TypeAdapter(closed(kind))
    for message in messages:
        adapter.validate_python(message)


async def events(vendor: OpenAIDouble, path: str, body: dict[str, Any]) -> list[Any]:
    headers = {"Authorization": f"Bearer {vendor.key}"}
    async with (
        ClientSession(headers=headers) as client,
        client.post(f"{vendor.url}/v1{path}", json=body) as response,
    ):
        assert response.status == 200, await response.text()
        lines = (await response.text()).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


async def test_a_closed_model_refuses_what_it_does_not_have() -> None:
    chunk = {
        "id": "c",
        "choices": [],
        "created": 1,
        "model": "m",
        "object": "chat.completion.chunk",
    }
    parses(ChatCompletionChunk, [chunk])
    with pytest.raises(ValueError, match="voice"):
        parses(ChatCompletionChunk, [{**chunk, "voice": 1}])
    choice = {"index": 0, "delta": {"voice": 1}, "finish_reason": None}
    with pytest.raises(ValueError, match="voice"):
        parses(ChatCompletionChunk, [{**chunk, "choices": [choice]}])


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("stream", [True, False])
async def test_chats_parse(turn: Turn, stream: bool) -> None:
    body: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES, "tools": [TOOL]}
    options = {"stream": True, "stream_options": {"include_usage": True}}
    async with OpenAIDouble(model=ScriptedModel([turn])).running() as vendor:
        if stream:
            chunks = await events(vendor, "/chat/completions", {**body, **options})
            assert len(chunks) > 4
            parses(ChatCompletionChunk, chunks)
        else:
            parses(ChatCompletion, [await answered(vendor, "/chat/completions", body)])


async def answered(vendor: OpenAIDouble, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {vendor.key}"}
    async with (
        ClientSession(headers=headers) as client,
        client.post(f"{vendor.url}/v1{path}", json=body) as response,
    ):
        return await response.json()


@pytest.mark.parametrize("turn", [*TURNS, Turn("We are", reason="length")])
async def test_events_of_responses_parse(turn: Turn) -> None:
    body: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Hi."}
    async with OpenAIDouble(model=ScriptedModel([turn, turn])).running() as vendor:
        # The vendor pads deltas unless told otherwise, and its SDK does not know the padding.
        plain = {"stream": True, "stream_options": {"include_obfuscation": False}}
        given = await events(vendor, "/responses", {**body, **plain})
        parses(Response, [await answered(vendor, "/responses", body)])
    assert [each["sequence_number"] for each in given] == list(range(len(given)))
    parses(ResponseStreamEvent, given)


async def test_verdicts_parse(vendor: OpenAIDouble) -> None:
    verdict = await answered(vendor, "/moderations", {"input": ["nice", "idiot"]})
    parses(ModerationCreateResponse, [verdict])


async def test_transcriptions_parse(vendor: OpenAIDouble) -> None:
    from aiohttp import FormData

    headers = {"Authorization": f"Bearer {vendor.key}"}
    kinds: list[tuple[Any, str]] = [(Transcription, "json"), (TranscriptionVerbose, "verbose_json")]
    for kind, name in kinds:
        form = FormData({"model": "whisper-1", "response_format": name})
        form.add_field("file", SPEECH, filename="a.wav")
        url = f"{vendor.url}/v1/audio/transcriptions"
        async with (
            ClientSession(headers=headers) as client,
            client.post(url, data=form) as response,
        ):
            body = await response.json()
        body.pop("task", None)  # the vendor sends it, its SDK does not know it
        parses(kind, [body])


@pytest.mark.parametrize("detection", ["none", "server_vad"])
async def test_events_of_transcription_sessions_parse(detection: str) -> None:
    settings = OpenAITranscribeSTT(api_key="k", turn_detection=detection, confidence=True)
    seen: list[Any] = []
    async with OpenAIDouble(lines=["a table", "for two"]).running() as vendor:
        headers = {"Authorization": f"Bearer {vendor.key}"}
        url = f"{vendor.url}/v1/realtime?intent=transcription"
        async with ClientSession(headers=headers) as client, client.ws_connect(url) as socket:
            await socket.send_str(settings.session_update(MULAW_8K))
            await socket.send_str(append(spoken("a table", MULAW_8K) + b"\xff" * 8_000))
            await socket.send_str(append(spoken("for two", MULAW_8K)))
            await socket.send_str(COMMIT)
            await socket.send_str(COMMIT)
            await socket.send_str('{"type": "input_audio_buffer.clear"}')
            while not seen or seen[-1]["type"] != "input_audio_buffer.cleared":
                seen.append(await socket.receive_json())
            while not any(each["type"].endswith(".completed") for each in seen):
                seen.append(await socket.receive_json())
    kinds = {each["type"] for each in seen}
    assert {"session.created", "session.updated", "input_audio_buffer.committed", "error"} <= kinds
    assert ("input_audio_buffer.speech_stopped" in kinds) == (detection == "server_vad")
    parses(RealtimeServerEvent, seen)


# Every request of the plugin, with the SDK's types.

ROWS = (
    Message("system", "Be brief."),
    Message("user", "Book a table."),
    Message("assistant", "One moment.", tool_calls=(ToolRequest("t1", "book_table", "{}"),)),
    Message("tool", "done", tool_call_id="t1", name="book_table"),
    Message("assistant", "Done."),
    Message("user", "Thanks."),
)
ALL: dict[str, Any] = {
    "temperature": 1,
    "max_tokens": 9,
    "top_p": 0.5,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    "tool_choice": "book_table",
    "parallel_tool_calls": True,
    "reasoning_effort": "low",
    "verbosity": "low",
    "service_tier": "fast",
    "prompt_cache_key": "k",
    "api_key": "k",
}
CHAT_ALONE: dict[str, Any] = {
    "seed": 1,
    "stop": "END",
    "frequency_penalty": 1,
    "presence_penalty": 1,
}


def accepted(kind: Any, value: Any) -> None:
    """Fail unless *value* is of the typed dict *kind*, at every depth, nothing unknown in it."""
    adapter: Any = TypeAdapter(kind, config=None)
    adapter.validate_python(value, strict=False, extra="forbid")


@pytest.mark.parametrize(
    ("names", "params"),
    [
        (request_fields.CHAT, CompletionCreateParamsStreaming),
        (request_fields.RESPONSES, ResponseCreateParamsStreaming),
        (request_fields.SPEECH, SpeechCreateParams),
        (request_fields.TRANSCRIPTIONS, TranscriptionCreateParamsStreaming),
    ],
)
def test_the_double_knows_the_fields_of_the_sdk(names: frozenset[str], params: Any) -> None:
    assert names == {*params.__annotations__}


def test_chat_requests_are_of_the_sdks_type() -> None:
    request = LLMRequest(messages=ROWS, tools=(BOOK,), call=CallContext(call_id="c"))
    for model in (OpenAILLM(api_key="k"), OpenAILLM(**ALL, **CHAT_ALONE)):
        accepted(CompletionCreateParamsStreaming, model.chat_body(request))


def test_responses_requests_are_of_the_sdks_type() -> None:
    request = LLMRequest(messages=ROWS, tools=(BOOK,), call=CallContext(call_id="c"))
    for model in (OpenAILLM(api_key="k", api="responses"), OpenAILLM(api="responses", **ALL)):
        accepted(ResponseCreateParamsStreaming, model.responses_body(request))


def test_speech_requests_are_of_the_sdks_type() -> None:
    for voice in ("alloy", "voice_123"):
        tts = OpenAITTS(voice=voice, instructions="Whisper.", speed=2, api_key="k")
        accepted(SpeechCreateParams, tts.body("Hello."))


def test_forms_are_of_the_sdks_type() -> None:
    for stt in (
        WhisperSTT(word_times=True, language="en", prompt="p", temperature=0.5, api_key="k"),
        WhisperSTT(
            model="gpt-transcribe",
            keywords=(
                "a",
                "b",
            ),
            api_key="k",
        ),
    ):
        types = get_type_hints(TranscriptionCreateParamsStreaming)
        for name, value in stt.form().items():
            accepted(types[name], value)


def test_moderation_requests_are_of_the_sdks_type() -> None:
    accepted(ModerationCreateParams, OpenAIModeration(api_key="k").body(["a"]))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"turn_detection": "server_vad", "noise_reduction": "near_field", "confidence": True},
        {"turn_detection": "semantic_vad", "eagerness": "high", "language": "de", "prompt": "p"},
        {"model": "gpt-realtime-whisper", "delay": "low"},
        {"model": "gpt-live-transcribe", "keywords": "a,b"},
    ],
)
def test_messages_of_transcription_sessions_are_of_the_sdks_type(given: dict[str, Any]) -> None:
    settings = OpenAITranscribeSTT(**given, api_key="k")
    for audio in settings.accepts:
        accepted(RealtimeClientEventParam, json.loads(settings.session_update(audio)))
    for message in (append(b"abc"), COMMIT):
        accepted(RealtimeClientEventParam, json.loads(message))
