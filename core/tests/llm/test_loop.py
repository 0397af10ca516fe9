"""One reply: text as it comes, tool rounds in between, and an end that is told or an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import attrs
import pytest

from patter.errors import ProviderError
from patter.llm.loop import LoopItem, ToolRound, reply
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    UsageChunk,
)

CALL = CallContext(call_id="c1")
MESSAGES = (Message("user", "book it"),)


@attrs.define
class Model:
    """Answers each request with the next of *rounds*."""

    rounds: list[tuple[LLMChunk, ...]]
    requests: list[LLMRequest] = attrs.field(factory=list)
    closed: int = 0

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        self.requests.append(request)
        try:
            for chunk in self.rounds[len(self.requests) - 1]:
                yield chunk
        finally:
            self.closed += 1


async def run(request: ToolRequest) -> str:
    return f"{request.name}({request.arguments})"


async def items(model: Model, **options: Any) -> list[LoopItem]:
    return [item async for item in reply(model, MESSAGES, (), CALL, run, **options)]


async def test_text_and_usage_come_as_they_are() -> None:
    model = Model(
        [(TextChunk("Yes"), TextChunk(""), TextChunk("."), UsageChunk(1, 2), DoneChunk())]
    )
    assert await items(model) == ["Yes", ".", UsageChunk(1, 2)]
    assert model.closed == 1


async def test_tools_are_put_together_run_in_order_and_shown_to_the_model() -> None:
    asks = (
        TextChunk("One moment."),
        ToolCallChunk(1, "b", "second", "{}"),
        ToolCallChunk(0, "", "first", '{"a"'),
        ToolCallChunk(0, arguments=":1}"),
        DoneChunk("tool_calls"),
    )
    model = Model([asks, (TextChunk("Done."), DoneChunk())])
    text, done, end = await items(model)
    assert (text, end) == ("One moment.", "Done.")
    assert isinstance(done, ToolRound)
    asking, first, second = done.rows
    assert [call.name for call in asking.tool_calls] == ["first", "second"]
    assert asking.tool_calls[0] == ToolRequest("call_0", "first", '{"a":1}')
    assert (first.text, first.tool_call_id) == ('first({"a":1})', "call_0")
    assert (second.text, second.tool_call_id) == ("second({})", "b")
    assert model.requests[1].messages == (*MESSAGES, *done.rows)


async def test_a_model_that_only_asks_for_tools_is_stopped_with_a_fix() -> None:
    ask = (ToolCallChunk(0, "t", "again", "{}"), DoneChunk())
    model = Model([ask] * 9)
    with pytest.raises(ProviderError, match="3 times") as raised:
        await items(model, max_rounds=3)
    assert raised.value.fix and len(model.requests) == 3


async def test_a_stream_that_just_ends_is_an_error() -> None:
    with pytest.raises(ProviderError, match="in the middle") as raised:
        await items(Model([(TextChunk("Yes"),)]))
    assert raised.value.fix


async def test_a_reply_nobody_wants_any_more_is_closed_at_the_model() -> None:
    model = Model([(TextChunk("one"), TextChunk("two"), DoneChunk())])
    async with aclosing(reply(model, MESSAGES, (), CALL, run)) as chunks:
        assert await anext(chunks) == "one"
    assert model.closed == 1
