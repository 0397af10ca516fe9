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
from patter_google import GoogleLLM
from patter_google.double import GoogleDouble

CALL = CallContext(call_id="c1")
BOOK = ToolSpec(
    "book_table",
    "Book a table.",
    {
        "type": "object",
        "properties": {"people": {"type": "integer"}},
        "required": ["people"],
        "additionalProperties": False,
    },
)
ASK = LLMRequest(messages=(Message("system", "Be brief."), Message("user", "Hi.")), call=CALL)
WITH_TOOLS = attrs.evolve(ASK, tools=(BOOK,))


def booked(*ids: str) -> tuple[Message, ...]:
    """A history in which the tool was called once for each id, at once, and answered in turn."""
    calls = tuple(
        ToolRequest(each, "book_table", f'{{"people":{n}}}') for n, each in enumerate(ids)
    )
    answers = (Message("tool", f"for {each}", tool_call_id=each, name="book_table") for each in ids)
    return (Message("user", "For two."), Message("assistant", tool_calls=calls), *answers)


def model(vendor: GoogleDouble, **settings: Any) -> GoogleLLM:
    """The provider whose vendor is *vendor*."""
    return vendor.pointed(GoogleLLM(**{"api_key": "k", **settings}))


async def asked(provider: GoogleLLM, request: LLMRequest = ASK) -> list[LLMChunk]:
    """All of a reply."""
    return [chunk async for chunk in provider.stream(request)]


async def failure(provider: GoogleLLM, request: LLMRequest = ASK) -> PatterError:
    """The error that a reply ends in."""
    with pytest.raises(PatterError) as raised:
        await asked(provider, request)
    return raised.value


def text_of(chunks: list[LLMChunk]) -> str:
    """What is said."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def calls_of(chunks: list[LLMChunk]) -> list[ToolCallChunk]:
    """The tool calls, which come whole."""
    return [chunk for chunk in chunks if isinstance(chunk, ToolCallChunk)]
