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
from patter.providers.llm import DoneChunk, Message, TextChunk, ToolCallChunk, UsageChunk
from patter.providers.llm import ToolRequest as Call
from patter_groq import GroqLLM
from patter_groq.double import FailedToolUse, GroqDouble
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.loopback_site import site

from .asking import ASK, CHAT, LLM, REPLY, WITH_TOOL, answer, failure, text

GPT_OSS, QWEN = (
    attrs.evolve(LLM, model=name) for name in ("openai/gpt-oss-120b", "qwen/qwen3.8-27b")
)
WROTE = '<function=book_table{"people": 2</function>'


def scripted(*script: Answer | str) -> GroqDouble:
    return GroqDouble(model=ScriptedModel(script))


def built(query: str) -> GroqLLM:
    return ProviderSpec.parse(query).build(GroqLLM)


async def test_a_reply_is_text_then_tokens_then_its_end(vendor: GroqDouble) -> None:
    *words, usage, done = await answer(vendor)
    assert text(words) == REPLY
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
    tools = tuple(Call(name, name, arguments) for name, arguments in calls)
    async with scripted(Answer(tools=tools)).running() as vendor:
        chunks = await answer(vendor, LLM, WITH_TOOL)
    pieces = [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]
    assert [(each.index, each.name, each.arguments) for each in pieces] == [
        (at, *call) for at, call in enumerate(calls)
    ]
    assert len({each.id for each in pieces}) == 2 and chunks[-1] == DoneChunk("tool_calls")


async def test_the_result_of_a_tool_is_taken(vendor: GroqDouble) -> None:
    rows = (
        Message("assistant", tool_calls=(Call("t1", "book_table", '{"people":2}'),)),
        Message("tool", "booked", tool_call_id="t1", name="book_table"),
    )
    request = attrs.evolve(WITH_TOOL, messages=(*ASK.messages, *rows))
    assert text(await answer(vendor, LLM, request)) == "The tool said: booked"


# What the model thinks.


@pytest.mark.parametrize("model", [GPT_OSS, QWEN], ids=lambda each: each.model)
@pytest.mark.parametrize("effort", ["", "default", "high"])
async def test_thoughts_are_never_spoken(vendor: GroqDouble, model: GroqLLM, effort: str) -> None:
    chunks = await answer(vendor, attrs.evolve(model, reasoning_effort=effort))
    assert text(chunks) == REPLY


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("groq", {}),
        ("groq/openai/gpt-oss-20b", {"reasoning_effort": "low"}),
        ("groq/openai/gpt-oss-20b?reasoning_effort=default", {}),
        ("groq/openai/gpt-oss-20b?reasoning_effort=high", {"reasoning_effort": "high"}),
        (
            "groq/openai/gpt-oss-20b?include_reasoning=false",
            {"reasoning_effort": "low", "include_reasoning": False},
        ),
        (
            "groq/qwen/qwen3.6-27b",
            {"reasoning_effort": "none", "reasoning_format": "parsed"},
        ),
        (
            "groq/qwen/qwen3.8-27b?reasoning_effort=low&reasoning_format=hidden",
            {"reasoning_effort": "low", "reasoning_format": "hidden"},
        ),
        (
            "groq/qwen/qwen3.6-27b?include_reasoning=false",
            {"reasoning_effort": "none", "include_reasoning": False},
        ),
    ],
)
async def test_each_model_is_asked_to_think_as_little_as_it_can(
    vendor: GroqDouble, query: str, sent: dict[str, Any]
) -> None:
    await answer(vendor, built(query), WITH_TOOL)
    (body,) = vendor.bodies(CHAT)
    assert {name: each for name, each in body.items() if "reasoning" in name} == sent


# Options.


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("temperature=0.3", {"temperature": 0.3}),
        ("max_tokens=50", {"max_completion_tokens": 50}),
        ("top_p=0.5", {"top_p": 0.5}),
        ("service_tier=flex", {"service_tier": "flex"}),
        ("user=caller-7", {"user": "caller-7"}),
        ("disable_tool_validation=true", {"disable_tool_validation": True}),
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
    vendor: GroqDouble, query: str, sent: dict[str, Any]
) -> None:
    await answer(vendor, built(f"groq?{query}"), WITH_TOOL)
    (body,) = vendor.bodies(CHAT)
    assert {**body, **sent} == body


async def test_without_options_the_vendors_defaults_hold(vendor: GroqDouble) -> None:
    await answer(vendor)
    assert sorted(vendor.bodies(CHAT)[0]) == ["messages", "model", "stream"]


async def test_who_asks_is_said(vendor: GroqDouble) -> None:
    await answer(vendor, attrs.evolve(LLM, user_agent="bistro/1"))
    assert vendor.requests[-1].headers["User-Agent"] == "bistro/1"


@pytest.mark.parametrize(
    "given",
    [
        {"model": "openai/gpt-oss-20b", "reasoning_effort": "none"},
        {"model": "qwen/qwen3.6-27b", "reasoning_effort": "low"},
        {"reasoning_effort": "some"},
        {"reasoning_format": "raw"},
        {"reasoning_format": "parsed", "include_reasoning": True},
        {"service_tier": "gold"},
        {"tool_retries": 4},
        {"base_url": "http://example.com"},
        {"temperature": 3},
        {"timeout": 0},
    ],
    ids=str,
)
def test_what_groq_would_refuse_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        GroqLLM(**given)
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix


# A tool call that is none.


@pytest.mark.parametrize("early", [True, False], ids=["as a status", "as an event"])
async def test_a_tool_call_that_is_none_is_asked_for_again_at_half_the_temperature(
    early: bool,
) -> None:
    bad = FailedToolUse(WROTE, early=early)
    async with scripted(bad, Answer(tools=(Call("t", "book_table", "{}"),))).running() as vendor:
        chunks = await answer(vendor, attrs.evolve(LLM, temperature=0.8), WITH_TOOL)
    assert chunks[-1] == DoneChunk("tool_calls")
    assert [body["temperature"] for body in vendor.bodies(CHAT)] == [0.8, 0.4]


@pytest.mark.parametrize("retries", [0, 2])
async def test_it_is_asked_for_so_often_and_no_more(retries: int) -> None:
    async with scripted(*[FailedToolUse(WROTE)] * 4).running() as vendor:
        error = await failure(vendor, attrs.evolve(LLM, tool_retries=retries), WITH_TOOL)
        sent = [body.get("temperature") for body in vendor.bodies(CHAT)]
    assert error.code is ErrorCode.PROVIDER_ERROR
    assert "tool_use_failed" in str(error) and "book_table" in str(error)
    assert sent == [None, 0.5, 0.25][: retries + 1]


async def test_what_was_told_already_is_not_told_again() -> None:
    error = {"error": {**FailedToolUse(WROTE).error, "status_code": 400}}
    faults = VendorFaults(after=3, garbage=f"event: error\ndata: {json.dumps(error)}\n\n")
    said: list[str] = []
    async with GroqDouble(faults=faults).running() as vendor:
        with pytest.raises(PatterError, match="tool_use_failed"):
            async for chunk in vendor.pointed(LLM).stream(WITH_TOOL):
                assert isinstance(chunk, TextChunk)
                said.append(chunk.text)
        assert len(vendor.bodies(CHAT)) == 1
    assert "".join(said) == "This is"


# What goes wrong.


async def test_a_rate_limit_says_when_to_come_back() -> None:
    async with GroqDouble(faults=VendorFaults(status=429, retry_after="2")).running() as vendor:
        error = await failure(vendor)
        assert len(vendor.requests) == 1
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 2_000


async def test_without_retry_after_what_has_run_out_says_it() -> None:
    async with GroqDouble(faults=VendorFaults(status=429)).running() as vendor:
        error = await failure(vendor)
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 7_660


async def test_flex_without_capacity_is_a_rate_limit_that_names_the_tier() -> None:
    async with GroqDouble(flex_full=True).running() as vendor:
        error = await failure(vendor, attrs.evolve(LLM, service_tier="flex"))
    assert error.code is ErrorCode.RATE_LIMIT and "service_tier" in error.fix


async def test_a_model_that_groq_has_ended_says_what_follows() -> None:
    for model, ended in (("llama-3.3-70b-versatile", True), ("qwen/qwen3-32b", False)):
        double = GroqDouble(ended=(model,)) if ended else GroqDouble()
        async with double.running() as vendor:
            error = await failure(vendor, attrs.evolve(LLM, model=model))
        assert error.code is ErrorCode.CONFIG and "openai/gpt-oss-120b" in error.fix


async def test_a_model_that_does_not_exist_is_a_setting(vendor: GroqDouble) -> None:
    error = await failure(vendor, attrs.evolve(LLM, model="llama-99"))
    assert error.code is ErrorCode.CONFIG and "llama-99" in str(error)


async def test_a_parameter_that_is_refused_is_named(vendor: GroqDouble) -> None:
    error = await failure(vendor, attrs.evolve(LLM, reasoning_effort="low"))
    assert error.code is ErrorCode.PROVIDER_ERROR and "reasoning_effort" in str(error)


async def test_a_vendor_that_is_silent_is_a_timeout() -> None:
    async with GroqDouble(faults=VendorFaults(silent=True)).running() as vendor:
        error = await failure(vendor, attrs.evolve(LLM, timeout=0.1))
    assert error.code is ErrorCode.TIMEOUT


async def test_a_vendor_that_stops_in_the_middle_is_a_timeout() -> None:
    async with GroqDouble(faults=VendorFaults(stalls=True, after=5)).running() as vendor:
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
        model = GroqLLM(base_url=f"http://127.0.0.1:{port}", api_key="k", timeout=0.1)
        with pytest.raises(PatterError) as caught:
            [chunk async for chunk in model.stream(ASK)]
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_words_that_come_late_are_still_told() -> None:
    async with GroqDouble(latency=Latency(p50_ms=300)).running() as vendor:
        assert text(await answer(vendor)) == REPLY


async def test_leaving_a_reply_is_noticed_at_the_vendor() -> None:
    async with GroqDouble(faults=VendorFaults(trickle_ms=20)).running() as vendor:
        stream = vendor.pointed(LLM).stream(ASK)
        assert isinstance(stream, AsyncGenerator)
        assert isinstance(await anext(stream), TextChunk)
        await stream.aclose()
        async with asyncio.timeout(1):
            while not vendor.aborted:
                await asyncio.sleep(0.01)
    assert vendor.aborted == [vendor.requests[-1].path]


@pytest.mark.parametrize(
    ("said", "code", "word"),
    [
        ({"error": {"code": "rate_limit_exceeded"}}, ErrorCode.RATE_LIMIT, "rate_limit_exceeded"),
        ({"error": {"message": "over", "status_code": 503}}, ErrorCode.CONNECTION, "503"),
        ({"x_groq": {"id": "r", "error": "over_capacity"}}, ErrorCode.CONNECTION, "over_capacity"),
        (
            {"error": {"message": "bad", "type": "invalid_request_error"}},
            ErrorCode.PROVIDER_ERROR,
            "bad",
        ),
    ],
    ids=str,
)
async def test_an_error_in_the_stream_has_its_meaning(
    said: dict[str, Any], code: ErrorCode, word: str
) -> None:
    faults = VendorFaults(after=3, garbage=f"event: error\ndata: {json.dumps(said)}\n\n")
    async with GroqDouble(faults=faults).running() as vendor:
        error = await failure(vendor)
    assert error.code is code and word in str(error)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, "text/html"), (200, "application/json"), (302, "text/html")]
)
async def test_what_is_not_from_the_vendor_is_neither_believed_nor_followed(
    vendor: GroqDouble, status: int, kind: str
) -> None:
    async def answer_elsewhere(_: web.Request) -> web.Response:
        where = {"Location": f"{vendor.url}{vendor.prefix}{CHAT}"}
        return web.Response(text="{}", status=status, content_type=kind, headers=where)

    app = web.Application()
    app.router.add_post(CHAT, answer_elsewhere)
    async with site(app) as url:
        model = GroqLLM(base_url=url, api_key=vendor.key)
        with pytest.raises(PatterError) as caught:
            [chunk async for chunk in model.stream(ASK)]
    assert caught.value.code is ErrorCode.PROVIDER_ERROR
    assert not vendor.requests, "the conversation was sent on"


async def test_what_comes_after_the_end_of_a_reply_is_of_no_matter() -> None:
    faults = VendorFaults(after=len(REPLY.split()) + 2, stalls=True)
    async with GroqDouble(faults=faults).running() as vendor:
        assert (await answer(vendor))[-1] == DoneChunk("stop")


# Connections, and whether all is well.


async def test_a_connection_is_kept_from_turn_to_turn() -> None:
    ports: list[int] = []

    class Counting(GroqDouble):
        def key_in(self, request: Any) -> str:
            ports.append(request.transport.get_extra_info("peername")[1])
            return super().key_in(request)

    async with Counting().running() as vendor, client_pool():
        for _ in range(3):
            await answer(vendor)
    assert len(ports) == 3 and len(set(ports)) == 1


@pytest.mark.parametrize("model", ["llama-3.3-70b-versatile", "openai/gpt-oss-120b"])
async def test_a_check_says_whether_the_model_is_there(vendor: GroqDouble, model: str) -> None:
    report = await vendor.pointed(attrs.evolve(LLM, model=model)).check()
    assert report.text == model and report.wall and report.wall > 1.7e9
    assert not vendor.log, "it cost something"


async def test_a_check_of_what_is_not_there_fails(vendor: GroqDouble) -> None:
    pointed = vendor.pointed(LLM)
    for wrong, code in (
        (attrs.evolve(pointed, model="llama-99"), ErrorCode.CONFIG),
        (attrs.evolve(pointed, api_key="wrong"), ErrorCode.AUTH),
    ):
        with pytest.raises(PatterError) as caught:
            await wrong.check()
        assert caught.value.code is code


def test_the_key_is_not_shown() -> None:
    model = GroqLLM(api_key="gsk_secret")
    assert "gsk_secret" not in f"{model!r} {model._api!r}"
