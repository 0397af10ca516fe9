"""The options of chat models: what is refused, and what is sent."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import PatterError, ProviderSpec
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, ToolSpec
from patter.vendors.chat_options import ChatOptions

TOOLS = (ToolSpec("book", "Book.", {"type": "object"}),)


def asking(*rows: Message, tools: tuple[ToolSpec, ...] = TOOLS) -> LLMRequest:
    rows = rows or (Message("user", "hi"),)
    return LLMRequest(messages=rows, tools=tools, call=CallContext(call_id="c"))


def read(query: str) -> ChatOptions:
    return ProviderSpec.parse(f"x?{query}").build(ChatOptions)


def test_nothing_is_sent_that_was_not_given() -> None:
    assert ChatOptions().body(asking()) == {}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("temperature=0.2", {"temperature": 0.2}),
        ("temperature=0", {"temperature": 0.0}),
        ("max_tokens=50", {"max_tokens": 50}),
        ("top_p=0.5", {"top_p": 0.5}),
        ("seed=7", {"seed": 7}),
        ("stop=END", {"stop": ["END"]}),
        ("frequency_penalty=-1", {"frequency_penalty": -1.0}),
        ("presence_penalty=2", {"presence_penalty": 2.0}),
        ("parallel_tool_calls=false", {"parallel_tool_calls": False}),
        ("tool_choice=required", {"tool_choice": "required"}),
        ("tool_choice=book", {"tool_choice": {"type": "function", "function": {"name": "book"}}}),
        ("response_format=json_object", {"response_format": {"type": "json_object"}}),
        ('response_format={"type":"text"}', {"response_format": {"type": "text"}}),
        ("temperature=", {}),
    ],
)
def test_an_option_of_a_spec_string_reaches_the_body(query: str, sent: dict[str, Any]) -> None:
    assert read(query).body(asking()) == sent


@pytest.mark.parametrize(
    "query",
    [
        "temperature=2.1",
        "temperature=warm",
        "max_tokens=0",
        "top_p=-0.1",
        "response_format=yaml",
        "tool_choice={",
        "parallel_tool_calls=maybe",
    ],
)
def test_what_no_vendor_takes_is_refused_when_it_is_written(query: str) -> None:
    with pytest.raises(PatterError) as caught:
        read(query)
    assert caught.value.fix


def test_the_limit_is_called_as_the_vendor_calls_it() -> None:
    assert ChatOptions(max_tokens=5).body(asking(), tokens="limit") == {"limit": 5}


def test_nothing_is_said_of_tools_where_there_are_none() -> None:
    options = ChatOptions(tool_choice="required", parallel_tool_calls=True)
    assert options.body(asking(tools=())) == {}


def test_a_tool_that_must_be_called_is_called_once() -> None:
    told = asking(Message("user", "hi"), Message("tool", "done", tool_call_id="t"))
    assert "tool_choice" not in ChatOptions(tool_choice="required").body(told)
    assert ChatOptions(tool_choice="none").body(told) == {"tool_choice": "none"}


def test_options_can_be_inherited_by_frozen_settings() -> None:
    @attrs.frozen(kw_only=True)
    class Parrot(ChatOptions):
        model: str = "polly"

    assert hash(Parrot(response_format="json_object")) == hash(Parrot())
