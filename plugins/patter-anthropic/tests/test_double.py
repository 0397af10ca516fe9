"""The double is what the SDK takes for Anthropic, and as strict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import anthropic
import attrs
import pytest
from aiohttp import ClientSession
from anthropic.types import (
    ModelInfo,
    RawMessageStreamEvent,
    TextBlockParam,
    ToolResultBlockParam,
    ToolUseBlockParam,
)
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from anthropic.types.shared import ErrorResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from patter.providers.llm import Message
from patter_anthropic import AnthropicLLM
from patter_anthropic.double import AnthropicDouble, Turn
from patter_anthropic.double.request_check import Refusal, check
from patter_anthropic.double.turn import events, message
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import VendorFaults

from .asking import ASK, BOOK, BOOKED, WITH_TOOLS, asked, calls_of, text_of

STRICT = ConfigDict(extra="forbid", strict=True)
PROMPT = {"input_tokens": 7, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5}
TURNS = [
    Turn(text="Hello there."),
    Turn(thinking="Hm.", text="One.", calls=(("book_table", '{"people": 2}'), ("stop", "{}"))),
    Turn(text="No.", refusal="bio"),
    Turn(text="On and", reason="max_tokens"),
]
GOOD: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "Hi."}],
}
OURS = [
    AnthropicLLM(api_key="k"),
    AnthropicLLM(api_key="k", cache_ttl="1h", tool_choice="book_table", parallel_tool_calls=False),
    AnthropicLLM(
        api_key="k",
        model="claude-sonnet-5-5",
        stop_sequences=("A", "B"),
        service_tier="auto",
        speed="fast",
        inference_geo="eu",
        user_id="u",
        effort="high",
    ),
    AnthropicLLM(api_key="k", thinking="adaptive", prompt_caching=False, tool_choice="none"),
]
REQUESTS = [ASK, WITH_TOOLS, type(ASK)(messages=BOOKED, tools=(BOOK,), call=ASK.call)]
BOOKING = attrs.evolve(WITH_TOOLS, messages=(Message("user", "Book me a table for 4."),))
BODY = TypeAdapter(list[MessageCreateParamsStreaming], config=ConfigDict(extra="forbid"))
BLOCKS: dict[str, TypeAdapter[Any]] = {
    "text": TypeAdapter(list[TextBlockParam], config=STRICT),
    "tool_use": TypeAdapter(list[ToolUseBlockParam], config=STRICT),
    "tool_result": TypeAdapter(list[ToolResultBlockParam], config=STRICT),
}


def _client(vendor: AnthropicDouble, **options: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key=vendor.key, base_url=vendor.url, max_retries=0, **options
    )


def _no_extras(value: object, at: str = "") -> None:
    """Fail for a field that the SDK's models do not have."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{at} {type(value).__name__} has no {value.model_extra}"
        for name in type(value).model_fields:
            _no_extras(getattr(value, name), f"{at}.{name}")
    elif isinstance(value, list):
        for each in value:
            _no_extras(each, at)


def _consumed(value: object) -> object:
    """*value*, whose iterables pydantic checks as they are read."""
    if isinstance(value, Mapping):
        return {name: _consumed(each) for name, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_consumed(each) for each in value]
    return value


@pytest.mark.parametrize("turn", TURNS)
def test_every_event_of_the_double_is_one_of_the_sdk(turn: Turn) -> None:
    body = {"model": "m", "stop_sequences": ["x"]}
    sent = [each for each in events(turn, body, PROMPT) if each["type"] != "ping"]
    reader: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    for event in sent:
        read = reader.validate_python(event, strict=True)
        _no_extras(read)
        assert read.type == event["type"]


@pytest.mark.parametrize("turn", TURNS)
def test_every_whole_message_of_the_double_is_one_of_the_sdk(turn: Turn) -> None:
    _no_extras(anthropic.types.Message.model_validate(message(turn, {"model": "m"}, PROMPT)))


async def test_every_other_answer_of_the_double_is_one_of_the_sdk() -> None:
    async with AnthropicDouble(retired=("claude-2",)).running() as vendor, ClientSession() as http:
        headers = {"x-api-key": vendor.key}
        async with http.get(f"{vendor.url}/v1/models", headers=headers) as answer:
            listed = await answer.json()
        assert sorted(listed) == ["data", "first_id", "has_more", "last_id"]
        for each in listed["data"]:
            _no_extras(ModelInfo.model_validate(each))
        for status in (401, 404, 429, 500, 529):
            vendor.faults = VendorFaults(status=status)
            async with http.get(f"{vendor.url}/v1/models") as answer:
                _no_extras(ErrorResponse.model_validate(await answer.json()))
    failing = list(events(Turn(text="a", fails="overloaded_error"), {"model": "m"}, PROMPT))[-1]
    _no_extras(ErrorResponse.model_validate(failing))


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("ours", OURS)
def test_every_body_of_ours_is_one_of_the_sdk(ours: AnthropicLLM, request_: Any) -> None:
    body = json.loads(json.dumps({**ours.body(request_), "stream": True}))
    (read,) = BODY.validate_python([body])
    for part in ("tools", "system", "stop_sequences"):
        _consumed(read.get(part, ()))
    for row in body["messages"]:
        assert sorted(row) == ["content", "role"] and row["role"] in ("user", "assistant")
        for block in row["content"]:
            _consumed(BLOCKS[block["type"]].validate_python([block]))


def test_the_types_of_the_sdk_would_convict_us() -> None:
    body = {**OURS[0].body(ASK), "stream": True}
    for wrong in ({"colour": 1}, {"service_tier": "gold"}, {"thinking": {"type": "off"}}):
        with pytest.raises(ValidationError):
            BODY.validate_python([{**body, **wrong}])
    with pytest.raises(ValidationError):
        BLOCKS["text"].validate_python([{"type": "text", "text": "a", "colour": 1}])


async def test_the_sdk_streams_from_the_double() -> None:
    turn = Turn(text="Hello there.", calls=(("book_table", '{"people": 2}'),))
    tools: Any = [{"name": "book_table", "input_schema": {"type": "object"}}]
    async with (
        AnthropicDouble(script=[turn], models=(GOOD["model"],)).running() as vendor,
        _client(vendor) as client,
        client.messages.stream(**GOOD, tools=tools) as stream,
    ):
        text = "".join([each async for each in stream.text_stream])
        final = await stream.get_final_message()
    assert text == "Hello there." and final.stop_reason == "tool_use"
    call = final.content[1]
    assert call.type == "tool_use" and call.input == {"people": 2}
    assert final.usage.output_tokens == turn.tokens()


async def test_the_sdk_takes_a_whole_message_and_models_from_the_double() -> None:
    async with AnthropicDouble().running() as vendor, _client(vendor) as client:
        whole = await client.messages.create(**{**GOOD, "model": vendor.models[0]})
        known = [each.id async for each in client.models.list()]
        one = await client.models.retrieve(vendor.models[0])
    assert whole.content[0].type == "text" and whole.stop_reason == "end_turn"
    assert tuple(known) == vendor.models and one.id == vendor.models[0]


async def test_without_a_script_it_answers_as_its_model_does() -> None:
    spoken = ScriptedModel(["At seven."])
    async with AnthropicDouble(model=spoken).running() as vendor:
        llm = vendor.pointed(OURS[0])
        first = text_of(await asked(llm, ASK))
        booked = calls_of(await asked(llm, BOOKING))
        answered = text_of(await asked(llm, REQUESTS[2]))
    assert first == "At seven."
    assert booked == [(0, "book_table", '{"people": 4}')]
    assert answered == "The tool said: done"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, anthropic.AuthenticationError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (529, anthropic.OverloadedError),
    ],
)
async def test_the_sdk_knows_the_refusals_of_the_double(status: int, error: Any) -> None:
    async with (
        AnthropicDouble(faults=VendorFaults(status=status)).running() as vendor,
        _client(vendor) as client,
    ):
        with pytest.raises(error) as raised:
            await client.messages.create(**GOOD)
    assert raised.value.request_id


async def test_the_sdk_knows_an_error_in_the_middle() -> None:
    script = [Turn(text="Let me", fails="overloaded_error")]
    async with AnthropicDouble(script=script).running() as vendor, _client(vendor) as client:
        with pytest.raises(anthropic.APIStatusError) as raised:
            async with client.messages.stream(**{**GOOD, "model": vendor.models[0]}) as stream:
                await stream.get_final_message()
    assert raised.value.type == "overloaded_error"


def _with(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def _said(*content: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(content)}


CALL = {"type": "tool_use", "id": "t1", "name": "book_table", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "done"}
TEXT = {"type": "text", "text": "Hi."}
MARK = {"type": "ephemeral"}
TOOL = {"name": "book_table", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": "m"}, "max_tokens: Field required"),
        (_with(temperature=0.5), "temperature: Extra inputs"),
        (_with(color="red"), "color: Extra inputs"),
        (_with(max_tokens=-1), "max_tokens"),
        (_with(messages=[]), "at least one message"),
        (_with(messages=[_said(TEXT, role="assistant")]), "first message"),
        (_with(messages=[_said({"type": "text", "text": " "})]), "non-whitespace"),
        (_with(messages=[_said(TEXT), _said(CALL, role="assistant")]), "without `tool_result`"),
        (
            _with(messages=[_said(TEXT), _said(CALL, role="assistant"), _said(TEXT, RESULT)]),
            "without `tool_result`",
        ),
        (_with(messages=[_said(RESULT)]), "unexpected `tool_use_id`"),
        (
            _with(model="claude-opus-5-5", messages=[_said(TEXT), _said(TEXT, role="assistant")]),
            "prefill",
        ),
        (_with(messages=[_said(*[{**TEXT, "cache_control": MARK}] * 5)]), "maximum of 4"),
        (_with(messages=[_said({**TEXT, "cache_control": {"type": "x"}})]), "ephemeral"),
        (_with(tools=[{**TOOL, "name": "book table"}]), "tools.0.name"),
        (_with(tools=[{**TOOL, "input_schema": {}}]), "input_schema.type"),
        (_with(tools=[TOOL, TOOL]), "unique"),
        (_with(tool_choice={"type": "auto"}), "while providing tools"),
        (_with(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}), "not found"),
        (_with(thinking={"type": "adaptive"}), "not supported"),
        (_with(model="claude-opus-5-5", thinking={"type": "disabled"}), "not supported"),
        (_with(thinking={"type": "enabled", "budget_tokens": 5}), "budget_tokens"),
        (_with(output_config={"effort": "low"}), "effort"),
        (_with(metadata={"phone": "1"}), "metadata.phone"),
        (_with(stop_sequences=[" "]), "stop_sequences.0"),
        (_with(service_tier="gold"), "service_tier"),
        (_with(system=" "), "system"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_anthropic_refuses_the_double_refuses(body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        check(body, "2026-10-21")


def test_what_anthropic_takes_the_double_takes() -> None:
    answered = [_said(TEXT), _said(TEXT, CALL, role="assistant"), _said(RESULT, TEXT)]
    check(_with(messages=answered, tools=[TOOL]), "2026-10-21")
    check(_with(temperature=0.5), "2023-06-01")


@pytest.mark.parametrize("version", ["", "2024-01-01"])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(Refusal, match="anthropic-version"):
        check(GOOD, version)
