"""The tools of one round: which of a stream's pieces are one call, and which run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.llm.loop import ToolRound, reply
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
)
from patter_testing import run_virtual

CALL = CallContext(call_id="c1")


@attrs.define
class Model:
    """Asks for tools with *pieces*, then is content."""

    pieces: tuple[LLMChunk, ...]
    asked: bool = False

    async def stream(self, _: LLMRequest) -> AsyncIterator[LLMChunk]:
        for chunk in () if self.asked else self.pieces:
            yield chunk
        if self.asked:
            yield TextChunk("Done.")
        self.asked = True
        yield DoneChunk()


@attrs.define
class Tools:
    """Each takes a second; *once* are the names of those that are not to run beside others."""

    once: frozenset[str] = frozenset()
    fails: str = ""
    running: int = 0
    most: int = 0
    began: list[str] = attrs.field(factory=list)

    async def run(self, request: ToolRequest) -> str:
        self.began.append(request.name)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(1)
        finally:
            self.running -= 1
        if request.name == self.fails:
            raise RuntimeError(request.name)
        return f"{request.name}({request.arguments})"


async def round_of(model: Model, tools: Tools) -> tuple[Message, ...]:
    items = reply(
        model,
        (Message("user", "go"),),
        (),
        CALL,
        tools.run,
        in_order=lambda request: request.name in tools.once,
    )
    [rows] = [item.rows async for item in items if isinstance(item, ToolRound)]
    return rows


def calls(*names: str) -> Model:
    return Model(tuple(ToolCallChunk(n, name, name, "{}") for n, name in enumerate(names)))


@pytest.mark.virtual_time
async def test_tools_of_one_round_run_side_by_side_and_answer_in_order() -> None:
    tools = Tools()
    _, *answers = await round_of(calls("a", "b", "c"), tools)
    assert asyncio.get_running_loop().time() == pytest.approx(1)
    assert [each.text for each in answers] == ["a({})", "b({})", "c({})"]


@pytest.mark.virtual_time
async def test_with_one_that_is_not_to_be_repeated_they_run_one_after_the_other() -> None:
    tools = Tools(once=frozenset("b"))
    await round_of(calls("a", "b", "c"), tools)
    assert tools.most == 1 and tools.began == ["a", "b", "c"]


@pytest.mark.virtual_time
async def test_one_that_breaks_leaves_none_running() -> None:
    tools = Tools(fails="a")
    with pytest.raises(RuntimeError, match="a"):
        await round_of(calls("a", "b"), tools)
    assert not tools.running


@pytest.mark.virtual_time
async def test_two_calls_under_one_index_are_told_apart_by_their_ids() -> None:
    pieces = (
        ToolCallChunk(0, "x", "book", '{"people"'),
        ToolCallChunk(0, "y", "book", '{"people"'),
        ToolCallChunk(0, arguments=": 3}"),
        ToolCallChunk(0, "x", arguments=": 2}"),
    )
    asking, *answers = await round_of(Model(pieces), Tools())
    assert asking.tool_calls == (
        ToolRequest("x", "book", '{"people": 2}'),
        ToolRequest("y", "book", '{"people": 3}'),
    )
    assert [each.tool_call_id for each in answers] == ["x", "y"]


@pytest.mark.virtual_time
async def test_a_call_that_is_repeated_under_its_id_is_run_once() -> None:
    pieces = (ToolCallChunk(0, "x", "book", "{}"), ToolCallChunk(1, "x", "book", "{}"))
    tools = Tools()
    asking, *answers = await round_of(Model(pieces), tools)
    assert len(asking.tool_calls) == len(answers) == len(tools.began) == 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("xyz"), st.text(max_size=3)), max_size=12)
)
def test_every_piece_belongs_to_the_call_of_its_index_and_id(
    rows: list[tuple[int, str, str]],
) -> None:
    """Whatever the order in which the pieces of several calls come."""
    expected: dict[str, str] = {}
    for index in range(3):
        own: dict[str, str] = {}
        for at, call, text in rows:
            if at == index:
                own[call] = own.get(call, "") + text
        for call, text in own.items():
            expected.setdefault(call, text)
    pieces = tuple(ToolCallChunk(at, call, "t", text) for at, call, text in rows)

    async def asked() -> dict[str, str]:
        rounds = await round_of(Model(pieces), Tools())
        return {each.id: each.arguments for each in rounds[0].tool_calls}

    if rows:
        assert run_virtual(asked()) == expected
