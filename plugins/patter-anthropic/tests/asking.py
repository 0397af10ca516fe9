"""What the tests of this package ask, and how they read the reply."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.llm import (
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    ToolSpec,
)
from patter_anthropic import AnthropicLLM
from patter_anthropic.double import AnthropicDouble

CALL = CallContext(call_id="c1")
BOOK = ToolSpec(
    "book_table",
    "Book a table.",
    {"type": "object", "properties": {"people": {"type": "integer"}}, "required": ["people"]},
)
ASK = LLMRequest(messages=(Message("system", "Be brief."), Message("user", "Hi.")), call=CALL)
WITH_TOOLS = attrs.evolve(ASK, tools=(BOOK,))
BOOKED = (
    Message("user", "For two."),
    Message("assistant", tool_calls=(ToolRequest("toolu_1", "book_table", '{"people":2}'),)),
    Message("tool", "done", tool_call_id="toolu_1", name="book_table"),
)
"""A history that ends with the result of a tool."""


def model(vendor: AnthropicDouble, **settings: Any) -> AnthropicLLM:
    """The provider whose vendor is *vendor*."""
    return AnthropicLLM(base_url=vendor.url, api_key=vendor.key, **settings)


async def asked(provider: AnthropicLLM, request: LLMRequest = ASK) -> list[LLMChunk]:
    """All of a reply."""
    return [chunk async for chunk in provider.stream(request)]


async def failure(provider: AnthropicLLM, request: LLMRequest = ASK) -> PatterError:
    """The error that a reply ends in."""
    with pytest.raises(PatterError) as raised:
        await asked(provider, request)
    return raised.value


def text_of(chunks: list[LLMChunk]) -> str:
    """What is said."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def calls_of(chunks: list[LLMChunk]) -> list[tuple[int, str, str]]:
    """Index, name and arguments of each tool call."""
    calls: dict[int, tuple[str, str]] = {}
    for chunk in chunks:
        if isinstance(chunk, ToolCallChunk):
            name, arguments = calls.get(chunk.index, (chunk.name, ""))
            calls[chunk.index] = (name, arguments + chunk.arguments)
    return [(index, *call) for index, call in calls.items()]
