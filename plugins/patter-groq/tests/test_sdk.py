"""The vendor's SDK, unmodified, and the double: each is held to the other, and we to both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, get_type_hints

import pytest
from aiohttp import ClientSession
from groq import (
    APIError,
    APIStatusError,
    AsyncGroq,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    RateLimitError,
)
from groq.types.audio.transcription_create_params import TranscriptionCreateParams
from groq.types.chat import ChatCompletion, ChatCompletionChunk
from groq.types.chat.completion_create_params import CompletionCreateParams
from groq.types.model import Model

from patter.audio.formats import PCM16_8K
from patter.providers.llm import LLMRequest, Message, ToolRequest, ToolSpec
from patter.vendors.utterances import wav
from patter_groq import GroqLLM, GroqWhisperSTT
from patter_groq.double import FailedToolUse, GroqDouble
from patter_groq.double.chat import CHOICES, FIELDS
from patter_groq.double.transcriptions import FIELDS as FIELDS_OF_FORMS
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import Lines, VendorFaults
from patter_testing.fakes.tts import spoken

from .asking import CALL, CHAT, REPLY
from .sdk import accepted, parses

LLAMA, GPT_OSS = "llama-3.3-70b-versatile", "openai/gpt-oss-120b"
SPEECH = wav(spoken("a table for two", PCM16_8K), PCM16_8K)
MESSAGES: Any = [{"role": "user", "content": "Hi."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "book_table", "description": "Book.", "parameters": {"type": "object"}},
}
WANTED = ToolRequest("call_1", "book_table", '{"a": 1}')
TURNS = (Turn("Yes, gladly."), Turn("One moment.", (WANTED,)), Turn("We are", reason="length"))


@pytest.fixture
async def sdk(vendor: GroqDouble) -> AsyncIterator[AsyncGroq]:
    async with AsyncGroq(api_key=vendor.key, base_url=vendor.url, max_retries=0) as client:
        yield client


# The SDK works against the double.


async def test_the_sdk_completes_and_streams_chats(sdk: AsyncGroq) -> None:
    whole = await sdk.chat.completions.create(model=LLAMA, messages=MESSAGES)
    stream = await sdk.chat.completions.create(model=LLAMA, messages=MESSAGES, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole.choices[0].message.content == text == REPLY
    own = chunks[-1].x_groq
    assert own and own.usage and own.usage.completion_tokens == 7


async def test_the_sdk_reads_tool_calls_and_thoughts(sdk: AsyncGroq) -> None:
    asked: Any = [{"role": "user", "content": "Book a table."}]
    stream = await sdk.chat.completions.create(
        model=GPT_OSS, messages=asked, tools=[TOOL], stream=True
    )
    deltas = [chunk.choices[0].delta async for chunk in stream]
    assert [each.reasoning for each in deltas if each.reasoning]
    (calls,) = [each.tool_calls for each in deltas if each.tool_calls]
    assert calls[0].function and calls[0].function.name == "book_table"


async def test_the_sdk_transcribes(sdk: AsyncGroq, vendor: GroqDouble) -> None:
    vendor.lines = Lines(["a table", "for two", "please"])
    model, file = "whisper-large-v3", ("a.wav", SPEECH)
    plain = await sdk.audio.transcriptions.create(model=model, file=file)
    verbose: Any = await sdk.audio.transcriptions.create(
        model=model, file=file, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert (plain.text, verbose.text) == ("a table", "for two")
    assert [word["word"] for word in verbose.words] == ["for", "two"]


async def test_the_sdk_finds_models(sdk: AsyncGroq, vendor: GroqDouble) -> None:
    listed = await sdk.models.list()
    assert [model.id for model in listed.data] == list(vendor.models)
    assert (await sdk.models.retrieve(GPT_OSS)).id == GPT_OSS
    with pytest.raises(NotFoundError):
        await sdk.models.retrieve("llama-99")


async def test_the_sdk_notices_a_tool_call_that_is_none(sdk: AsyncGroq, vendor: GroqDouble) -> None:
    failed = FailedToolUse("<function=book_table")
    vendor.model = ScriptedModel([failed, failed])
    with pytest.raises(BadRequestError) as caught:
        await sdk.chat.completions.create(model=LLAMA, messages=MESSAGES, tools=[TOOL])
    body: Any = caught.value.body
    assert body["error"]["failed_generation"] == "<function=book_table"
    stream = await sdk.chat.completions.create(
        model=LLAMA, messages=MESSAGES, tools=[TOOL], stream=True
    )
    with pytest.raises(APIError, match="Failed to call a function"):
        async for _ in stream:
            pass


# The double is as strict as the vendor.

CALLED: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "book_table", "arguments": "{}"}}
    ],
}
BAD: list[dict[str, Any]] = [
    {"messages": []},
    {"extra_body": {"voice": "alloy"}},
    {"temperature": 2.5},
    {"tool_choice": "auto"},
    {"parallel_tool_calls": True},
    {"n": 2},
    {"logprobs": True},
    {"logit_bias": {"1": 1}},
    {"stop": ["a", "b", "c", "d", "e"]},
    {"service_tier": "gold"},
    {"reasoning_effort": "low"},
    {"reasoning_format": "hidden"},
    {"model": GPT_OSS, "reasoning_effort": "none"},
    {"model": GPT_OSS, "reasoning_format": "hidden"},
    {"model": "qwen/qwen3.6-27b", "reasoning_effort": "low"},
    {"model": "qwen/qwen3.6-27b", "reasoning_format": "raw", "tools": [TOOL]},
    {"model": "qwen/qwen3.6-27b", "reasoning_format": "parsed", "include_reasoning": True},
    {"tools": [TOOL] * 129},
    {"messages": [{"role": "robot", "content": "hi"}]},
    {"messages": [*MESSAGES, CALLED]},
    {"messages": [{"role": "tool", "tool_call_id": "t2", "content": "done"}]},
    {
        "messages": [
            *MESSAGES,
            CALLED,
            {"role": "tool", "tool_call_id": "t1", "content": "", "name": "book_table"},
        ]
    },
]


@pytest.mark.parametrize("bad", BAD, ids=lambda each: str(each)[:60])
async def test_a_chat_that_the_vendor_refuses_is_refused(
    sdk: AsyncGroq, bad: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError):
        await sdk.chat.completions.create(**{"model": LLAMA, "messages": MESSAGES, **bad})


async def test_a_file_that_the_vendor_refuses_is_refused(sdk: AsyncGroq) -> None:
    bad: list[dict[str, Any]] = [
        {"file": ("a.txt", b"hello")},
        {"file": ("a.wav", b"hello")},
        {"file": ("a.wav", wav(b"", PCM16_8K))},
        {"response_format": "srt"},
        {"timestamp_granularities": ["word"]},
        {"response_format": "verbose_json", "timestamp_granularities": ["letter"]},
        {"temperature": 1.5},
        {"prompt": "a" * 900},
        {"extra_body": {"keywords": "a"}},
    ]
    for each in bad:
        with pytest.raises(BadRequestError):
            await sdk.audio.transcriptions.create(
                **{"model": "whisper-large-v3", "file": ("a.wav", SPEECH), **each}
            )
    with pytest.raises(BadRequestError):
        await sdk.audio.transcriptions.create(model="whisper-large-v3")


async def test_refusals_are_the_sdks(vendor: GroqDouble) -> None:
    async with AsyncGroq(api_key="wrong", base_url=vendor.url, max_retries=0) as client:
        with pytest.raises(AuthenticationError):
            await client.models.list()
    async with (
        GroqDouble(faults=VendorFaults(status=429), flex_full=True).running() as limited,
        AsyncGroq(api_key=limited.key, base_url=limited.url, max_retries=0) as client,
    ):
        with pytest.raises(RateLimitError) as caught:
            await client.chat.completions.create(model=LLAMA, messages=MESSAGES)
        assert caught.value.response.headers["x-ratelimit-reset-tokens"] == "7.66s"
        limited.faults = VendorFaults()
        with pytest.raises(APIStatusError) as full:
            await client.chat.completions.create(
                model=LLAMA, messages=MESSAGES, service_tier="flex"
            )
    assert full.value.status_code == 498


def test_the_double_knows_the_fields_of_the_sdk() -> None:
    assert FIELDS - {"stream_options"} == set(CompletionCreateParams.__annotations__)
    names = {name.removesuffix("[]") for name in FIELDS_OF_FORMS}
    assert names == set(TranscriptionCreateParams.__annotations__)
    for name, values in CHOICES.items():
        for value in values:
            accepted(get_type_hints(CompletionCreateParams)[name], value)


# Every message of the double, with the SDK's models, nothing unknown in it.


async def asked(vendor: GroqDouble, body: dict[str, Any]) -> list[Any]:
    headers = {"Authorization": f"Bearer {vendor.key}"}
    url = f"{vendor.url}{vendor.prefix}{CHAT}"
    async with ClientSession(headers=headers) as client, client.post(url, json=body) as response:
        assert response.status == 200, await response.text()
        text = await response.text()
    if not body.get("stream"):
        return [json.loads(text)]
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("model", [LLAMA, GPT_OSS])
async def test_chats_parse(turn: Turn, model: str) -> None:
    body: dict[str, Any] = {"model": model, "messages": MESSAGES, "tools": [TOOL]}
    async with GroqDouble(model=ScriptedModel([turn] * 3)).running() as vendor:
        parses(ChatCompletion, await asked(vendor, body))
        chunks = await asked(vendor, {**body, "stream": True})
        counted = await asked(
            vendor, {**body, "stream": True, "stream_options": {"include_usage": True}}
        )
    assert len(counted) == len(chunks) + 1 and counted[-1]["usage"]
    parses(ChatCompletionChunk, [*chunks, *counted])


async def test_models_parse(vendor: GroqDouble) -> None:
    headers = {"Authorization": f"Bearer {vendor.key}"}
    async with (
        ClientSession(headers=headers) as client,
        client.get(f"{vendor.url}{vendor.prefix}/models") as response,
    ):
        parses(Model, (await response.json())["data"])


def test_a_closed_model_refuses_what_it_does_not_have() -> None:
    chunk = {
        "id": "c",
        "choices": [],
        "created": 1,
        "model": "m",
        "object": "chat.completion.chunk",
    }
    parses(ChatCompletionChunk, [chunk])
    choice = {"index": 0, "delta": {"voice": 1}, "finish_reason": None}
    for bad in ({**chunk, "voice": 1}, {**chunk, "choices": [choice]}):
        with pytest.raises(ValueError, match="voice"):
            parses(ChatCompletionChunk, [bad])


# Every request of the plugin, with the SDK's types.

ROWS = (
    Message("system", "Be brief."),
    Message("user", "Book a table."),
    Message("assistant", "One moment.", tool_calls=(ToolRequest("t1", "book_table", "{}"),)),
    Message("tool", "done", tool_call_id="t1", name="book_table"),
    Message("assistant", "Done."),
    Message("user", "Thanks."),
)
BOOK = ToolSpec("book_table", "Book.", {"type": "object"}, strict=True)
ALL: dict[str, Any] = {
    "temperature": 1,
    "max_tokens": 9,
    "top_p": 0.5,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    "tool_choice": "book_table",
    "parallel_tool_calls": True,
    "service_tier": "flex",
    "user": "caller-7",
    "disable_tool_validation": True,
    "seed": 1,
    "stop": "END",
    "frequency_penalty": 1,
    "presence_penalty": 1,
}


@pytest.mark.parametrize(
    "given",
    [
        {},
        ALL,
        {"model": GPT_OSS, "include_reasoning": False},
        {"model": "qwen/qwen3.8-27b", "reasoning_effort": "high"},
    ],
    ids=lambda each: str(each)[:40],
)
def test_chat_requests_are_of_the_sdks_type(given: dict[str, Any]) -> None:
    request = LLMRequest(messages=ROWS, tools=(BOOK,), call=CALL)
    accepted(CompletionCreateParams, GroqLLM(**given).chat_body(request))


def test_forms_are_of_the_sdks_type() -> None:
    stt = GroqWhisperSTT(word_times=True, language="de", prompt="p", temperature=0.5)
    types: dict[str, Any] = get_type_hints(TranscriptionCreateParams)
    for name, value in stt.fields().items():
        listed = name.endswith("[]")
        accepted(types[name.removesuffix("[]")], [value] if listed else value)
