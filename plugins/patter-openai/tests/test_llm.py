"""Models, against the double: what is sent, what comes back, and what happens to the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import attrs
import pytest

from patter import ErrorCode, PatterError, ProviderSpec
from patter.client_pool import client_pool
from patter.errors import RateLimitError
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    ToolSpec,
    UsageChunk,
)
from patter_openai import OpenAICompatibleLLM, OpenAILLM
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.chat_turn import Turn
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_double import VendorFaults

BOOK = ToolSpec("book_table", "Book a table.", {"type": "object", "properties": {}})
ASK = LLMRequest(
    messages=(Message("system", "Be brief."), Message("user", "Hi.")),
    call=CallContext(call_id="c1"),
)
REPLY = "This is a simulation. I heard: Hi."
WITH_TOOL = attrs.evolve(ASK, tools=(BOOK,))
CHAT, RESPONSES = OpenAILLM(api_key="k"), OpenAILLM(api="responses", api_key="k")
BOTH = pytest.mark.parametrize("model", [CHAT, RESPONSES], ids=["chat", "responses"])


async def answer(vendor: OpenAIDouble, model: Any, request: LLMRequest = ASK) -> list[LLMChunk]:
    return [chunk async for chunk in vendor.pointed(model).stream(request)]


async def failure(vendor: OpenAIDouble, model: Any, request: LLMRequest = ASK) -> PatterError:
    with pytest.raises(PatterError) as caught:
        await answer(vendor, model, request)
    return caught.value


def text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


@BOTH
async def test_a_reply_is_text_then_tokens_then_its_end(
    vendor: OpenAIDouble, model: OpenAILLM
) -> None:
    *words, usage, done = await answer(vendor, model)
    assert text(words) == REPLY
    assert isinstance(usage, UsageChunk) and usage.input_tokens > 0 and usage.output_tokens == 7
    assert done == DoneChunk("stop")


@BOTH
async def test_tokens_from_the_cache_are_told_apart(model: OpenAILLM) -> None:
    async with OpenAIDouble(
        model=ScriptedModel([Turn("Yes.", cached=5), "Yes."])
    ).running() as vendor:
        cached, plain = [(await answer(vendor, model))[-2] for _ in range(2)]
    assert isinstance(cached, UsageChunk) and isinstance(plain, UsageChunk)
    assert cached.cache_read_tokens == 5
    assert cached.input_tokens + 5 == plain.input_tokens


@BOTH
async def test_two_calls_at_once_have_an_index_an_id_and_arguments_each(model: OpenAILLM) -> None:
    calls = (("book_table", '{"people": 2}'), ("cancel_table", '{"people": 3}'))
    tools = tuple(ToolRequest(name, name, arguments) for name, arguments in calls)
    async with OpenAIDouble(model=ScriptedModel([Answer(tools=tools)])).running() as vendor:
        chunks = await answer(vendor, model, WITH_TOOL)
    pieces = [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]
    for index, (name, arguments) in enumerate(calls):
        mine = [piece for piece in pieces if piece.index == index]
        assert mine[0].name == name and mine[0].id
        assert "".join(piece.arguments for piece in mine) == arguments
    assert chunks[-1] == DoneChunk("tool_calls")


@BOTH
async def test_the_result_of_a_tool_is_taken(vendor: OpenAIDouble, model: OpenAILLM) -> None:
    rows = (
        Message("assistant", tool_calls=(ToolRequest("t1", "book_table", '{"people":2}'),)),
        Message("tool", "booked", tool_call_id="t1", name="book_table"),
    )
    request = attrs.evolve(WITH_TOOL, messages=(*ASK.messages, *rows))
    assert text(await answer(vendor, model, request)) == "The tool said: booked"


@BOTH
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_reply_that_ends_early_says_why(model: OpenAILLM, reason: str) -> None:
    async with OpenAIDouble(
        model=ScriptedModel([Turn("We are", reason=reason)])
    ).running() as vendor:
        assert (await answer(vendor, model))[-1] == DoneChunk(reason)


EFFORT = {"effort": "low"}
OPTIONS = [
    ("temperature=0.3", {"temperature": 0.3}, {"temperature": 0.3}),
    ("max_tokens=50", {"max_completion_tokens": 50}, {"max_output_tokens": 50}),
    ("top_p=0.5", {"top_p": 0.5}, {"top_p": 0.5}),
    ("service_tier=priority", {"service_tier": "priority"}, {"service_tier": "priority"}),
    ("prompt_cache_key=bistro", {"prompt_cache_key": "bistro"}, {"prompt_cache_key": "bistro"}),
    ("verbosity=low", {"verbosity": "low"}, {"text": {"verbosity": "low"}}),
    (
        "response_format=json_object",
        {"response_format": {"type": "json_object"}},
        {"text": {"format": {"type": "json_object"}}},
    ),
    ("tool_choice=required", {"tool_choice": "required"}, {"tool_choice": "required"}),
    (
        "tool_choice=book_table",
        {"tool_choice": {"type": "function", "function": {"name": "book_table"}}},
        {"tool_choice": {"type": "function", "name": "book_table"}},
    ),
    (
        "parallel_tool_calls=false",
        {"parallel_tool_calls": False},
        {"parallel_tool_calls": False},
    ),
    ("seed=7", {"seed": 7}, None),
    ("stop=END", {"stop": ["END"]}, None),
    ("frequency_penalty=0.5", {"frequency_penalty": 0.5}, None),
    ("presence_penalty=-0.5", {"presence_penalty": -0.5}, None),
    ("store=true", {}, {"store": True}),
]


def built(query: str, api: str) -> OpenAILLM:
    return ProviderSpec.parse(f"openai/gpt-4o-mini?api={api}&{query}").build(OpenAILLM)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")


@pytest.mark.parametrize(("query", "chat", "responses"), OPTIONS, ids=[each[0] for each in OPTIONS])
async def test_an_option_reaches_the_wire(
    vendor: OpenAIDouble, query: str, chat: dict[str, Any], responses: dict[str, Any] | None
) -> None:
    await answer(vendor, built(query, "chat"), WITH_TOOL)
    (sent,) = vendor.bodies("/chat/completions")
    assert {**sent, **chat} == sent
    if responses is None:
        with pytest.raises(PatterError, match="Responses API has no"):
            built(query, "responses")
        return
    await answer(vendor, built(query, "responses"), WITH_TOOL)
    (sent,) = vendor.bodies("/responses")
    assert {**sent, **responses} == sent


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_effort_reaches_a_model_that_reasons(vendor: OpenAIDouble, api: str) -> None:
    model = OpenAILLM(model="gpt-5-mini", reasoning_effort="low", api=api)
    await answer(vendor, model)
    sent = vendor.log[-1][1]
    assert sent.get("reasoning_effort", sent.get("reasoning")) in ("low", EFFORT)


async def test_without_options_the_vendors_defaults_hold(vendor: OpenAIDouble) -> None:
    await answer(vendor, CHAT)
    assert sorted(vendor.bodies("/chat/completions")[0]) == [
        "messages",
        "model",
        "stream",
        "stream_options",
    ]


async def test_who_asks_is_said(vendor: OpenAIDouble) -> None:
    await answer(vendor, attrs.evolve(CHAT, user_agent="bistro/1", organization="o", project="p"))
    headers = vendor.requests[-1].headers
    assert headers["User-Agent"] == "bistro/1"
    assert (headers["OpenAI-Organization"], headers["OpenAI-Project"]) == ("o", "p")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (attrs.evolve(CHAT, reasoning_effort="low"), "reasoning_effort"),
        (attrs.evolve(RESPONSES, max_tokens=5), "max_output_tokens"),
    ],
)
async def test_a_parameter_that_is_refused_is_named(
    vendor: OpenAIDouble, model: OpenAILLM, name: str
) -> None:
    error = await failure(vendor, model)
    assert error.code is ErrorCode.PROVIDER_ERROR and name in str(error)


@BOTH
async def test_a_model_that_does_not_exist_is_a_setting(
    vendor: OpenAIDouble, model: OpenAILLM
) -> None:
    error = await failure(vendor, attrs.evolve(model, model="gpt-99"))
    assert error.code is ErrorCode.CONFIG and "gpt-99" in str(error)


@BOTH
async def test_a_rate_limit_says_when_to_come_back(model: OpenAILLM) -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with OpenAIDouble(faults=faults).running() as vendor:
        error = await failure(vendor, model)
        assert len(vendor.requests) == 1, "the SDK tried again by itself"
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 2_000


@BOTH
async def test_a_vendor_that_is_silent_is_a_timeout(model: OpenAILLM) -> None:
    async with OpenAIDouble(faults=VendorFaults(silent=True)).running() as vendor:
        error = await failure(vendor, attrs.evolve(model, timeout=0.1))
    assert error.code is ErrorCode.TIMEOUT


@BOTH
async def test_a_vendor_that_stops_in_the_middle_is_a_timeout(model: OpenAILLM) -> None:
    async with OpenAIDouble(faults=VendorFaults(stalls=True, after=5)).running() as vendor:
        error = await failure(vendor, attrs.evolve(model, timeout=0.1))
    assert error.code is ErrorCode.TIMEOUT


@BOTH
async def test_leaving_a_reply_is_noticed_at_the_vendor(model: OpenAILLM) -> None:
    async with OpenAIDouble(faults=VendorFaults(trickle_ms=20)).running() as vendor:
        stream = vendor.pointed(model).stream(ASK)
        assert isinstance(stream, AsyncGenerator)
        assert isinstance(await anext(stream), TextChunk)
        await stream.aclose()
        for _ in range(50):
            if vendor.aborted:
                break
            await asyncio.sleep(0.01)
    assert vendor.aborted == [vendor.requests[-1].path]


@BOTH
async def test_a_connection_is_kept_from_turn_to_turn(model: OpenAILLM) -> None:
    ports: list[int] = []

    class Counting(OpenAIDouble):
        def key_in(self, request: Any) -> str:
            ports.append(request.transport.get_extra_info("peername")[1])
            return super().key_in(request)

    async with Counting().running() as vendor, client_pool():
        await vendor.pointed(model).warm()
        for _ in range(3):
            await answer(vendor, model)
    assert len(ports) == 4 and len(set(ports)) == 1


async def test_the_same_client_serves_all_who_share_a_key(vendor: OpenAIDouble) -> None:
    async with client_pool() as pool:
        await answer(vendor, CHAT)
        await answer(vendor, attrs.evolve(RESPONSES, timeout=9))
        assert len(pool._clients) == 1


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (CHAT, {"error": {"code": "rate_limit_exceeded", "message": "slow"}}),
        (RESPONSES, {"type": "error", "code": "rate_limit_exceeded", "message": "slow"}),
    ],
    ids=["chat", "responses"],
)
async def test_an_error_in_the_stream_has_its_meaning(
    model: OpenAILLM, said: dict[str, Any]
) -> None:
    faults = VendorFaults(after=3, garbage=f"data: {json.dumps(said)}\n\n")
    async with OpenAIDouble(faults=faults).running() as vendor:
        assert (await failure(vendor, model)).code is ErrorCode.RATE_LIMIT


async def test_a_check_says_whether_the_model_is_there(vendor: OpenAIDouble) -> None:
    report = await vendor.pointed(CHAT).check()
    assert report.text == "gpt-4o-mini" and report.wall and report.wall > 1.7e9
    with pytest.raises(PatterError) as caught:
        await vendor.pointed(attrs.evolve(CHAT, model="gpt-99")).check()
    assert caught.value.code is ErrorCode.CONFIG
    assert not vendor.log, "it cost something"


async def test_a_check_of_a_wrong_key_fails(vendor: OpenAIDouble) -> None:
    with pytest.raises(PatterError) as caught:
        await attrs.evolve(vendor.pointed(CHAT), api_key="wrong").check()
    assert caught.value.code is ErrorCode.AUTH


async def test_a_key_that_may_not_read_models_is_not_called_wrong() -> None:
    class Restricted(OpenAIDouble):
        async def _one_model(self, request: Any) -> Any:
            return self.refusal(403, "Missing scopes: api.model.read", code=None)

    async with Restricted().running() as vendor:
        assert "not checked" in (await vendor.pointed(CHAT).check()).text


# Servers that speak the same protocol.

LOCAL = OpenAICompatibleLLM(base_url="http://127.0.0.1:1/v1", model="llama-3")


def local(vendor: OpenAIDouble, **options: Any) -> OpenAICompatibleLLM:
    return attrs.evolve(LOCAL, base_url=f"{vendor.url}/v1", **options)


async def test_a_server_may_want_no_key() -> None:
    async with OpenAIDouble(key="EMPTY", models=("llama-3",)).running() as vendor:
        chunks = [chunk async for chunk in local(vendor).stream(ASK)]
    assert text(chunks) == REPLY


async def test_a_server_is_told_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARROT_KEY", "double-key")
    monkeypatch.setenv("OPENAI_ORG_ID", "ours")
    async with OpenAIDouble(models=("llama-3",)).running() as vendor:
        model = local(
            vendor, api_key_env="PARROT_KEY", max_tokens=9, extra_headers={"X-Team": "phone"}
        )
        [chunk async for chunk in model.stream(ASK)]
    sent, headers = vendor.log[-1][1], vendor.requests[-1].headers
    assert sent["max_tokens"] == 9 and sent["model"] == "llama-3"
    assert headers["X-Team"] == "phone"
    assert "OpenAI-Organization" not in headers


async def test_a_servers_errors_name_the_server() -> None:
    async with OpenAIDouble(models=("llama-3",)).running() as vendor:
        with pytest.raises(PatterError) as caught:
            [chunk async for chunk in local(vendor, api_key="wrong").stream(ASK)]
    assert "127.0.0.1" in str(caught.value) and "OpenAI" not in str(caught.value)


async def test_a_server_without_a_list_of_models_can_be_reached() -> None:
    class Small(OpenAIDouble):
        async def _list_models(self, request: Any) -> Any:
            return self.refusal(404, "no such page", code=None)

    async with Small(key="EMPTY").running() as vendor:
        assert (await local(vendor).check()).text == "it lists no models"


@pytest.mark.parametrize(
    "given",
    [
        {"base_url": "http://models.example.com/v1"},
        {"base_url": "ftp://127.0.0.1"},
        {"extra_headers": "{"},
        {"extra_headers": {"X": 1}},
        {"api_key_env": "NOBODY_HAS_THIS"},
    ],
)
def test_a_server_that_cannot_be_used_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        OpenAICompatibleLLM(**{"base_url": "http://127.0.0.1/v1", "model": "m", **given})
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix


def test_a_server_of_this_network_may_speak_plain_http() -> None:
    assert OpenAICompatibleLLM(base_url="http://10.0.0.7:8000/v1/", model="m").hosts == (
        "10.0.0.7",
    )


@pytest.mark.parametrize(
    "given",
    [
        {"api": "assistants"},
        {"reasoning_effort": "some"},
        {"verbosity": "much"},
        {"service_tier": "gold"},
        {"base_url": "http://example.com"},
        {"base_url": "http://10.0.0.7/v1"},
        {"temperature": 3},
    ],
)
def test_what_openai_would_refuse_is_refused_when_it_is_written(given: dict[str, Any]) -> None:
    with pytest.raises(PatterError) as caught:
        OpenAILLM(**given)
    assert caught.value.code is ErrorCode.CONFIG and caught.value.fix
