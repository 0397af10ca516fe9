"""Whatever a model asks and a handler does, the model gets an answer it can read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import ToolOutcome, as_text, failure, parse_arguments, run_tool
from patter.tools.tool import Effect, Tool, tool

CALL = CallContext(call_id="c1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def asked(arguments: str = "{}") -> ToolRequest:
    return ToolRequest("t1", "book", arguments)


async def ran(
    handler: Callable[..., Any], arguments: str = "{}", effect: Effect = "once", **more: Any
) -> ToolOutcome:
    return await run_tool(
        tool(handler=handler, name="book", effect=effect, **more), asked(arguments), CALL
    )


@given(st.text())
def test_arguments_are_an_object_or_nothing(text: str) -> None:
    parsed = parse_arguments(asked(text))
    assert parsed is None or isinstance(parsed, dict)


@given(JSON)
def test_arguments_are_what_the_model_wrote(value: object) -> None:
    parsed = parse_arguments(asked(orjson.dumps(value).decode()))
    assert parsed == (value if isinstance(value, dict) else None)


@given(JSON)
def test_a_result_is_read_as_it_stands_or_as_json(value: object) -> None:
    text = as_text(value)
    assert text == value if isinstance(value, str) else orjson.loads(text) == value


@given(st.text())
def test_a_failure_is_json_with_the_reason(said: str) -> None:
    assert orjson.loads(failure(said, {}).text) == {"error": said}


async def test_a_handler_is_given_its_arguments_and_the_call() -> None:
    def book(people: int, call: CallContext) -> str:
        return f"{people} on {call.call_id}"

    assert await ran(book, '{"people": 2}') == ToolOutcome("2 on c1", True, {"people": 2})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("[1]", "not a JSON object"),
        ("{", "not a JSON object"),
        ("{}", "missing people"),
        ('{"people": 2, "dog": 1}', "unknown dog"),
    ],
)
async def test_wrong_arguments_never_reach_the_handler(arguments: str, said: str) -> None:
    ran_with: list[int] = []

    def book(people: int) -> None:
        ran_with.append(people)

    outcome = await ran(book, arguments)
    assert not outcome.ok and said in outcome.text and not ran_with


@pytest.mark.virtual_time
@pytest.mark.parametrize(("effect", "runs"), [("once", 1), ("idempotent", 3), ("read", 3)])
async def test_only_what_may_be_repeated_is(effect: Effect, runs: int) -> None:
    tried: list[int] = []

    async def book() -> str:
        tried.append(1)
        raise RuntimeError("the book is closed")

    outcome = await ran(book, effect=effect)
    assert len(tried) == runs
    assert orjson.loads(outcome.text) == {"error": "the book is closed"}


@pytest.mark.virtual_time
async def test_a_handler_has_so_long_and_no_longer() -> None:
    async def book() -> str:
        await asyncio.get_running_loop().create_future()
        return ""

    outcome = await ran(book, timeout_s=2)
    assert "no result within 2 s" in outcome.text


async def test_a_handler_that_raises_without_a_word_is_named() -> None:
    async def book() -> str:
        raise KeyError

    assert "KeyError" in (await ran(book)).text


async def test_an_object_with_an_async_call_is_awaited() -> None:
    class Book:
        async def __call__(self) -> dict[str, int]:
            return {"table": 7}

    outcome = await run_tool(Tool(name="book", handler=Book()), asked(), CALL)
    assert outcome.text == '{"table":7}'
