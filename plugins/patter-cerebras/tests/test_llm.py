"""Models over Chat Completions, against the double."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import ErrorCode, PatterError, ProviderSpec
from patter.client_pool import client_pool
from patter.errors import RateLimitError
from patter.providers.llm import (
    DoneChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    UsageChunk,
)
from patter_cerebras import CerebrasLLM
from patter_cerebras.double import CerebrasDouble
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.loopback_site import site

from .asking import ASK, BOOK, CALL, CHAT, LLM, REPLY, WITH_TOOL, answer, failure, text

QWEN, GLM, GEMMA = (
    attrs.evolve(LLM, model=name) for name in ("qwen-3.8-27b", "zai-glm-4.7", "gemma-4-31b")
)
LONG = LLMRequest(messages=(*ASK.messages, Message("user", "Hello there. " * 200)), call=CALL)


def scripted(*script: Answer | str) -> CerebrasDouble:
    return CerebrasDouble(model=ScriptedModel(script))


def built(query: str) -> CerebrasLLM:
    return ProviderSpec.parse(query).build(CerebrasLLM)


async def test_a_reply_is_text_then_tokens_then_its_end(vendor: CerebrasDouble) -> None:
    *words, usage, done = await answer(vendor)
    assert text(words) == REPLY and len(words) == 3, "some words a chunk"
    assert isinstance(usage, UsageChunk) and usage.input_tokens > 0 and usage.output_tokens == 7
    assert done == DoneChunk("stop")


async def test_tokens_from_the_cache_are_told_apart() -> None:
    async with scripted(Turn("Yes.", cached=5), "Yes.").running() as vendor:
        cached, plain = [(await answer(vendor))[-2] for _ in range(2)]
    assert isinstance(cached, UsageChunk) and isinstance(plain, UsageChunk)
    assert cached.cache_read_tokens == 5
    assert cached.input_tokens + 5 == plain.input_tokens


async def test_two_calls_at_once_have_an_index_an_id_and_arguments_each() -> None:
    calls = (("book_table", '{"people": 2}'), ("cancel_table", '{"people": 3}'))
    tools = tuple(ToolRequest(name, name, arguments) for name, arguments in calls)
    async with scripted(Answer(tools=tools)).running() as vendor:
        chunks = await answer(vendor, LLM, WITH_TOOL)
    pieces = [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]
    for index, (name, arguments) in enumerate(calls):
        mine = [piece for piece in pieces if piece.index == index]
        assert mine[0].name == name and mine[0].id
        assert "".join(piece.arguments for piece in mine) == arguments
    assert chunks[-1] == DoneChunk("tool_calls")


async def test_the_result_of_a_tool_is_taken(vendor: CerebrasDouble) -> None:
    rows = (
        Message("assistant", tool_calls=(ToolRequest("t1", "book_table", '{"people":2}'),)),
        Message("tool", "booked", tool_call_id="t1", name="book_table"),
    )
    request = attrs.evolve(WITH_TOOL, messages=(*ASK.messages, *rows))
    assert text(await answer(vendor, LLM, request)) == "The tool said: booked"


# What the model thinks.


@pytest.mark.parametrize("model", [LLM, QWEN, GLM, GEMMA], ids=lambda each: each.model)
async def test_thoughts_are_never_spoken(vendor: CerebrasDouble, model: CerebrasLLM) -> None:
    assert text(await answer(vendor, model)) == REPLY
    if model is not GEMMA:
        loud = attrs.evolve(model, reasoning_effort="high")
        assert text(await answer(vendor, loud)) == REPLY


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("cerebras", {"reasoning_effort": "low"}),
        ("cerebras?reasoning_effort=default", {}),
        ("cerebras?reasoning_effort=high", {"reasoning_effort": "high"}),
        (
            "cerebras?reasoning_format=hidden",
            {"reasoning_effort": "low", "reasoning_format": "hidden"},
        ),
        (
            "cerebras/qwen-3.8-27b",
            {"reasoning_effort": "none", "reasoning_format": "parsed"},
        ),
        (
            "cerebras/qwen-3.8-27b?reasoning_effort=low&reasoning_format=text_parsed",
            {"reasoning_effort": "low", "reasoning_format": "text_parsed"},
        ),
        ("cerebras/zai-glm-4.7", {"reasoning_effort": "none"}),
        ("cerebras/gemma-4-31b", {}),
    ],
)
async def test_each_model_is_asked_to_think_as_little_as_it_can(
    vendor: CerebrasDouble, query: str, sent: dict[str, Any]
) -> None:
    await answer(vendor, built(query), WITH_TOOL)
    (body,) = vendor.bodies(CHAT)
    assert {name: each for name, each in body.items() if "reasoning" in name} == sent


# Tools that are strict.


@pytest.mark.parametrize(
    ("given", "strict", "sent"),
    [
        ({}, (True, True), [True, True]),
        ({}, (True, False), [False, False]),
        ({}, (False, False), [False, False]),
        ({"strict_tools": False}, (True, True), [False, False]),
        ({"strict_tools": False, "model": "qwen-3.8-27b"}, (True, True), [False, False]),
    ],
)
async def test_all_tools_are_strict_or_none(
    vendor: CerebrasDouble, given: dict[str, Any], strict: tuple[bool, bool], sent: list[bool]
) -> None:
    tools = tuple(
        attrs.evolve(BOOK, name=f"book_{at}", strict=each) for at, each in enumerate(strict)
    )
    await answer(vendor, attrs.evolve(LLM, **given), attrs.evolve(ASK, tools=tools))
    (body,) = vendor.bodies(CHAT)
    assert [tool["function"]["strict"] for tool in body["tools"]] == sent


async def test_a_model_that_cannot_be_held_to_its_tools_says_so(vendor: CerebrasDouble) -> None:
    strict = attrs.evolve(ASK, tools=(attrs.evolve(BOOK, strict=True),))
    error = await failure(vendor, QWEN, strict)
    assert error.code is ErrorCode.PROVIDER_ERROR and "strict" in str(error)


# Options.


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("temperature=0.3", {"temperature": 0.3}),
        ("max_tokens=50", {"max_completion_tokens": 50}),
        ("top_p=0.5", {"top_p": 0.5}),
        ("service_tier=flex", {"service_tier": "flex"}),
        ("prompt_cache_key=bistro", {"prompt_cache_key": "bistro"}),
        ("user=caller-7", {"user": "caller-7"}),
        ("response_format=json_object", {"response_format": {"type": "json_object"}}),
        ("tool_choice=required", {"tool_choice": "required"}),
        (
            "tool_choice=book_table",
            {"tool_choice": {"type": "function", "function": {"name": "book_table"}}},
        ),
        ("parallel_tool_calls=false", {"parallel_tool_calls": False}),
        ("seed=7", {"seed": 7}),
        ("stop=END", {"stop": ["END"]}),
        ("frequency_penalty=0.5", {"frequency_penalty": 0.5}),
        ("presence_penalty=-0.5", {"presence_penalty": -0.5}),
    ],
)
async def test_an_option_reaches_the_wire(
    vendor: CerebrasDouble, query: str, sent: dict[str, Any]
) -> None:
    await answer(vendor, built(f"cerebras?{query}"), WITH_TOOL)
    (body,) = vendor.bodies(CHAT)
    assert {**body, **sent} == body


async def test_without_options_the_vendors_defaults_hold(vendor: CerebrasDouble) -> None:
    await answer(vendor, GEMMA)
    sent = vendor.bodies(CHAT)[0]
    assert sorted(sent) == ["messages", "model", "stream", "stream_options"]


async def test_who_asks_is_said(vendor: CerebrasDouble) -> None:
    await answer(vendor, attrs.evolve(LLM, user_agent="bistro/1"))
    assert vendor.requests[-1].headers["User-Agent"] == "bistro/1"


@pytest.mark.parametrize(
    ("given", "kind", "how"),
    [
        ({}, "application/vnd.msgpack", "gzip"),
        ({"msgpack": False}, "application/json", "gzip"),
        ({"gzip": False}, "application/vnd.msgpack", None),
        ({"gzip": False, "msgpack": False}, "application/json", None),
    ],
    ids=str,
)
@pytest.mark.parametrize("repeat", [1, 40], ids=["long", "very long"])
async def test_bodies_are_written_as_is_asked(
    vendor: CerebrasDouble, given: dict[str, Any], kind: str, how: str | None, repeat: int
) -> None:
    request = attrs.evolve(LONG, messages=LONG.messages * repeat)
    await answer(vendor, attrs.evolve(LLM, **given), request)
    headers = vendor.requests[-1].headers
    assert (headers["Content-Type"], headers.get("Content-Encoding")) == (kind, how)
    (body,) = vendor.bodies(CHAT)
    assert [row["content"] for row in body["messages"]] == [row.text for row in request.messages]
    whole = sum(len(row.text) for row in request.messages)
    assert (int(headers["Content-Length"]) < whole / 2) == (how == "gzip")


async def test_a_body_of_one_packet_is_not_compressed(vendor: CerebrasDouble) -> None:
    await answer(vendor)
    assert "Content-Encoding" not in vendor.requests[-1].headers


@pytest.mark.parametrize(
    "given",
    [
        {"reasoning_effort": "none"},
        {"reasoning_effort": "some"},
        {"reasoning_format": "raw"},
        {"service_tier": "gold"},
        {"queue_threshold_ms": 500},
        {"queue_threshold_ms": 500, "service_tier": "default"},
        {"queue_threshold_ms": 49, "service_tier": "flex"},
        {"gzip": "maybe"},
        {"base_url": "http://example.com"},
        {"temperature": 3},
        {"timeout": 0},
    ],
    ids=str,
)
def test_what_cerebras_would_refuse_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        CerebrasLLM(**given)
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix


# Limits of the account, and of the queue.


async def test_a_rate_limit_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with CerebrasDouble(faults=faults).running() as vendor:
        error = await failure(vendor)
        assert len(vendor.requests) == 1
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 2_000


async def test_without_retry_after_what_has_run_out_says_it() -> None:
    async with CerebrasDouble(faults=VendorFaults(status=429)).running() as vendor:
        error = await failure(vendor)
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 11_383


async def test_what_a_reply_may_take_counts_before_it_is_made() -> None:
    async with CerebrasDouble(tokens_left=5_000).running() as vendor:
        error = await failure(vendor)
        assert error.code is ErrorCode.RATE_LIMIT and "max_tokens" in error.fix
        assert text(await answer(vendor, attrs.evolve(LLM, max_tokens=200))) == REPLY


async def test_a_queue_that_is_too_long_is_not_waited_in() -> None:
    patient, hasty = (
        attrs.evolve(LLM, service_tier="auto", queue_threshold_ms=ms) for ms in (2_000, 100)
    )
    async with CerebrasDouble(queue_ms=500).running() as vendor:
        assert text(await answer(vendor, patient)) == REPLY
        error = await failure(vendor, hasty)
        assert vendor.requests[-1].headers["queue_threshold"] == "100"
    assert error.code is ErrorCode.RATE_LIMIT and "queue" in str(error)


# What goes wrong.


async def test_a_model_that_does_not_exist_is_a_setting(vendor: CerebrasDouble) -> None:
    error = await failure(vendor, attrs.evolve(LLM, model="llama3.1-8b"))
    assert error.code is ErrorCode.CONFIG and "llama3.1-8b" in str(error)


async def test_a_parameter_that_is_refused_is_named(vendor: CerebrasDouble) -> None:
    error = await failure(vendor, attrs.evolve(GEMMA, reasoning_effort="low"))
    assert error.code is ErrorCode.PROVIDER_ERROR and "reasoning_effort" in str(error)


async def test_a_vendor_that_is_silent_is_a_timeout() -> None:
    async with CerebrasDouble(faults=VendorFaults(silent=True)).running() as vendor:
        error = await failure(vendor, attrs.evolve(LLM, timeout=0.1))
    assert error.code is ErrorCode.TIMEOUT


async def test_a_vendor_that_stops_in_the_middle_is_a_timeout() -> None:
    async with CerebrasDouble(faults=VendorFaults(stalls=True, after=3)).running() as vendor:
        error = await failure(vendor, attrs.evolve(LLM, timeout=0.1))
    assert error.code is ErrorCode.TIMEOUT


async def test_a_refusal_whose_body_never_ends_is_a_timeout() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 99\r\n\r\n{")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = CerebrasLLM(base_url=f"http://127.0.0.1:{port}", api_key="k", timeout=0.1)
        with pytest.raises(PatterError) as caught:
            [chunk async for chunk in model.stream(ASK)]
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_words_that_come_late_are_still_told() -> None:
    async with CerebrasDouble(latency=Latency(p50_ms=300)).running() as vendor:
        assert text(await answer(vendor)) == REPLY


async def test_leaving_a_reply_is_noticed_at_the_vendor() -> None:
    async with CerebrasDouble(faults=VendorFaults(trickle_ms=20)).running() as vendor:
        stream = vendor.pointed(LLM).stream(ASK)
        assert isinstance(stream, AsyncGenerator)
        assert isinstance(await anext(stream), TextChunk)
        await stream.aclose()
        async with asyncio.timeout(1):
            while not vendor.aborted:
                await asyncio.sleep(0.01)
    assert vendor.aborted == [vendor.requests[-1].path]


QUEUE: dict[str, Any] = {"message": "busy", "code": "queue_exceeded"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"error": QUEUE, "status_code": 429}, ErrorCode.RATE_LIMIT),
        ({"error": {"message": "over"}, "status_code": 503}, ErrorCode.CONNECTION),
        ({"error": {"message": "over"}}, ErrorCode.CONNECTION),
        ({"error": {"message": "no"}, "status_code": 422}, ErrorCode.PROVIDER_ERROR),
        ({"error": {"code": "wrong_api_key"}, "status_code": 401}, ErrorCode.AUTH),
    ],
    ids=str,
)
async def test_an_error_in_the_stream_has_its_meaning(
    said: dict[str, Any], code: ErrorCode
) -> None:
    faults = VendorFaults(after=3, garbage=f"data: {json.dumps(said)}\n\n")
    async with CerebrasDouble(faults=faults).running() as vendor:
        assert (await failure(vendor)).code is code


@pytest.mark.parametrize(
    ("status", "kind"), [(200, "text/html"), (200, "application/json"), (302, "text/html")]
)
async def test_what_is_not_from_the_vendor_is_neither_believed_nor_followed(
    vendor: CerebrasDouble, status: int, kind: str
) -> None:
    async def answer_elsewhere(_: web.Request) -> web.Response:
        where = {"Location": f"{vendor.url}{vendor.prefix}{CHAT}"}
        return web.Response(text="{}", status=status, content_type=kind, headers=where)

    app = web.Application()
    app.router.add_post(CHAT, answer_elsewhere)
    async with site(app) as url:
        model = CerebrasLLM(base_url=url, api_key=vendor.key)
        with pytest.raises(PatterError) as caught:
            [chunk async for chunk in model.stream(ASK)]
    assert caught.value.code is ErrorCode.PROVIDER_ERROR
    assert not vendor.requests, "the conversation was sent on"


async def test_what_comes_after_the_end_of_a_reply_is_of_no_matter() -> None:
    async with CerebrasDouble(faults=VendorFaults(after=7, stalls=True)).running() as vendor:
        assert (await answer(vendor))[-1] == DoneChunk("stop")


# Connections, and whether all is well.


async def test_a_connection_is_kept_from_turn_to_turn() -> None:
    ports: list[int] = []

    class Counting(CerebrasDouble):
        def key_in(self, request: Any) -> str:
            ports.append(request.transport.get_extra_info("peername")[1])
            return super().key_in(request)

    async with Counting().running() as vendor, client_pool():
        pointed = vendor.pointed(LLM)
        await pointed.warm()
        for _ in range(3):
            await answer(vendor, pointed)
    assert len(ports) == 4 and len(set(ports)) == 1


async def test_a_check_says_whether_the_model_is_there(vendor: CerebrasDouble) -> None:
    report = await vendor.pointed(LLM).check()
    assert report.text == "gpt-oss-120b" and report.wall and report.wall > 1.7e9
    assert not vendor.log, "it cost something"


async def test_a_check_of_what_is_not_there_fails(vendor: CerebrasDouble) -> None:
    pointed = vendor.pointed(LLM)
    for wrong, code in (
        (attrs.evolve(pointed, model="llama3.1-8b"), ErrorCode.CONFIG),
        (attrs.evolve(pointed, api_key="wrong"), ErrorCode.AUTH),
    ):
        with pytest.raises(PatterError) as caught:
            await wrong.check()
        assert caught.value.code is code


def test_the_key_is_not_shown() -> None:
    model = CerebrasLLM(api_key="csk-secret")
    assert "csk-secret" not in f"{model!r} {model._api!r}"
