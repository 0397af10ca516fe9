"""The vendor's SDK, unmodified, and the double: each is held to the other, and we to both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, get_type_hints

import pytest
from aiohttp import ClientSession
from cerebras.cloud.sdk import (
    APIStatusError,
    AsyncCerebras,
    AuthenticationError,
    BadRequestError,
    Cerebras,
    NotFoundError,
    RateLimitError,
    UnprocessableEntityError,
)
from cerebras.cloud.sdk.types.chat import chat_completion as sent
from cerebras.cloud.sdk.types.chat.completion_create_params import CompletionCreateParams

from patter.providers.llm import LLMRequest, Message, ToolRequest, ToolSpec
from patter_cerebras import CerebrasLLM
from patter_cerebras.double import CerebrasDouble
from patter_cerebras.double.chat import CHOICES, FIELDS
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import VendorFaults

from .asking import CALL, CHAT, REPLY
from .sdk import accepted, parses

GPT_OSS, QWEN, GEMMA = "gpt-oss-120b", "qwen-3.8-27b", "gemma-4-31b"
HEADERS = {"cf_ray", "x_amz_cf_id", "x_delay_time"}
MESSAGES: Any = [{"role": "user", "content": "Hi."}]
WANTED = ToolRequest("call_1", "book_table", '{"a": 1}')
TURNS = (Turn("Yes, gladly."), Turn("One moment.", (WANTED,)), Turn("We are", reason="length"))


def tool(**more: Any) -> Any:
    function = {"name": "book_table", "description": "Book.", "parameters": {"type": "object"}}
    return {"type": "function", "function": {**function, **more}}


@pytest.fixture
async def sdk(vendor: CerebrasDouble) -> AsyncIterator[AsyncCerebras]:
    async with client(vendor) as made:
        yield made


def client(vendor: CerebrasDouble, key: str = "") -> AsyncCerebras:
    # Warming is a request that blocks the loop, on which the double runs, too.
    return AsyncCerebras(
        api_key=key or vendor.key, base_url=vendor.url, max_retries=0, warm_tcp_connection=False
    )


# The SDK works against the double.


async def test_the_sdk_completes_and_streams_chats(sdk: AsyncCerebras) -> None:
    whole: Any = await sdk.chat.completions.create(model=GPT_OSS, messages=MESSAGES)
    stream: Any = await sdk.chat.completions.create(model=GPT_OSS, messages=MESSAGES, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole.choices[0].message.content == text == REPLY
    assert whole.choices[0].message.reasoning and chunks[1].choices[0].delta.reasoning
    assert chunks[-1].usage.completion_tokens == 7 and chunks[-1].time_info.queue_time > 0


async def test_the_sdk_reads_tool_calls(sdk: AsyncCerebras) -> None:
    asked: Any = [{"role": "user", "content": "Book a table."}]
    stream: Any = await sdk.chat.completions.create(
        model=GPT_OSS, messages=asked, tools=[tool()], stream=True
    )
    deltas = [chunk.choices[0].delta async for chunk in stream]
    pieces = [piece for each in deltas for piece in each.tool_calls or ()]
    assert pieces[0].function.name == "book_table"
    assert json.loads("".join(piece.function.arguments for piece in pieces)) == {}


async def test_the_sdk_warms_its_connection(vendor: CerebrasDouble) -> None:
    await asyncio.to_thread(Cerebras, api_key=vendor.key, base_url=vendor.url)
    assert [each.path for each in vendor.requests] == ["/v1/tcp_warming"]


async def test_the_sdk_finds_models(sdk: AsyncCerebras, vendor: CerebrasDouble) -> None:
    listed: Any = await sdk.models.list()
    assert [model.id for model in listed.data] == list(vendor.models)
    found: Any = await sdk.models.retrieve(GPT_OSS)
    assert found.id == GPT_OSS
    with pytest.raises(NotFoundError):
        await sdk.models.retrieve("llama3.1-8b")


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
    {"stop": ["a", "b", "c", "d", "e"]},
    {"service_tier": "gold"},
    {"reasoning_effort": "none"},
    {"reasoning_format": "loud"},
    {"disable_reasoning": True},
    {"model": GEMMA, "reasoning_effort": "low"},
    {"model": QWEN, "tools": [tool(strict=True)]},
    {"messages": [{"role": "robot", "content": "hi"}]},
    {"messages": [*MESSAGES, CALLED]},
    {"messages": [{"role": "tool", "tool_call_id": "t2", "content": "done"}]},
    {"extra_headers": {"queue_threshold": "49"}},
    {"extra_headers": {"queue_threshold": "soon"}},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda each: str(each)[:60])
async def test_a_chat_that_the_vendor_refuses_is_refused(
    sdk: AsyncCerebras, bad: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError):
        await sdk.chat.completions.create(**{"model": GPT_OSS, "messages": MESSAGES, **bad})


async def test_tools_of_which_some_are_strict_are_refused(sdk: AsyncCerebras) -> None:
    with pytest.raises(UnprocessableEntityError, match="mixed values"):
        await sdk.chat.completions.create(
            model=GPT_OSS, messages=MESSAGES, tools=[tool(strict=True), tool()]
        )


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/vnd.msgpack", b"\xc1", 400),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    vendor: CerebrasDouble, kind: str, data: bytes, status: int
) -> None:
    headers = {"Authorization": f"Bearer {vendor.key}", "Content-Type": kind}
    async with (
        ClientSession(headers=headers) as plain,
        plain.post(f"{vendor.url}/v1{CHAT}", data=data) as response,
    ):
        assert response.status == status


async def test_refusals_are_the_sdks(vendor: CerebrasDouble) -> None:
    async with client(vendor, "wrong") as stranger:
        with pytest.raises(AuthenticationError) as caught:
            await stranger.models.list()
    body: Any = caught.value.body
    assert body["code"] == "wrong_api_key", "errors are bare"
    async with (
        CerebrasDouble(tokens_left=10).running() as limited,
        client(limited) as asking,
    ):
        with pytest.raises(RateLimitError, match="token_quota_exceeded") as over:
            await asking.chat.completions.create(model=GPT_OSS, messages=MESSAGES)
        assert over.value.response.headers["x-ratelimit-remaining-tokens-minute"] == "0"


async def test_the_sdk_notices_an_error_in_the_stream() -> None:
    error = {"error": {"code": "queue_exceeded", "message": "busy"}, "status_code": 429}
    parses(sent.ErrorChunkResponse, [error])
    faults = VendorFaults(after=2, garbage=f"data: {json.dumps(error)}\n\n")
    async with CerebrasDouble(faults=faults).running() as vendor, client(vendor) as asking:
        stream: Any = await asking.chat.completions.create(
            model=GPT_OSS, messages=MESSAGES, stream=True
        )
        with pytest.raises(APIStatusError, match="busy"):
            async for _ in stream:
                pass


def test_the_double_knows_the_fields_of_the_sdk() -> None:
    types = get_type_hints(CompletionCreateParams)
    assert set(types) - HEADERS == FIELDS
    for name, values in CHOICES.items():
        for value in values:
            accepted(types[name], value)


# Every message of the double, with the SDK's models, nothing unknown in it.


async def asked(vendor: CerebrasDouble, body: dict[str, Any]) -> list[Any]:
    headers = {"Authorization": f"Bearer {vendor.key}"}
    url = f"{vendor.url}/v1{CHAT}"
    async with ClientSession(headers=headers) as plain, plain.post(url, json=body) as response:
        assert response.status == 200, await response.text()
        text = await response.text()
    if not body.get("stream"):
        return [json.loads(text)]
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("model", [GPT_OSS, QWEN, GEMMA])
async def test_chats_parse(turn: Turn, model: str) -> None:
    body: dict[str, Any] = {"model": model, "messages": MESSAGES, "tools": [tool()]}
    async with CerebrasDouble(model=ScriptedModel([turn] * 2)).running() as vendor:
        parses(sent.ChatCompletionResponse, await asked(vendor, body))
        parses(sent.ChatChunkResponse, await asked(vendor, {**body, "stream": True}))


def test_a_closed_model_refuses_what_it_does_not_have() -> None:
    kind = "chat.completion.chunk"
    chunk = {"id": "c", "created": 1, "model": "m", "object": kind, "system_fingerprint": "f"}
    parses(sent.ChatChunkResponse, [chunk])
    choice = {"index": 0, "delta": {"voice": 1}}
    for bad in ({**chunk, "voice": 1}, {**chunk, "choices": [choice]}):
        with pytest.raises(ValueError, match="voice"):
            parses(sent.ChatChunkResponse, [bad])


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
    "reasoning_effort": "high",
    "reasoning_format": "text_parsed",
    "service_tier": "flex",
    "queue_threshold_ms": 500,
    "prompt_cache_key": "bistro",
    "user": "caller-7",
    "seed": 1,
    "stop": "END",
    "frequency_penalty": 1,
    "presence_penalty": 1,
}


@pytest.mark.parametrize("given", [{}, ALL, {"model": QWEN}], ids=lambda each: str(each)[:40])
def test_chat_requests_are_of_the_sdks_type(given: dict[str, Any]) -> None:
    request = LLMRequest(messages=ROWS, tools=(BOOK,), call=CALL)
    accepted(CompletionCreateParams, CerebrasLLM(**given).chat_body(request))
