"""Whatever a model asks and a handler does, the model gets an answer it can read."""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.breaker import FAILURES
from patter.tools.executor import (
    DEFAULT_EXECUTOR,
    ToolOutcome,
    failure,
    parse_arguments,
    prepare,
)
from patter.tools.refusals import ToolDeclined
from patter.tools.result import as_text
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
    return await DEFAULT_EXECUTOR.execute(
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
    assert orjson.loads(outcome.text) == {"error": "the book is closed", "fallback": True}


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

    outcome = await DEFAULT_EXECUTOR.execute(Tool(name="book", handler=Book()), asked(), CALL)
    assert outcome.text == '{"table":7}'


ENDINGS = [
    SystemExit(2),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    BaseException(),
]
STRANGE = [StopIteration(), concurrent.futures.CancelledError(), TimeoutError("mine")]


@pytest.mark.parametrize("raised", [*ENDINGS, *STRANGE], ids=lambda raised: type(raised).__name__)
@pytest.mark.parametrize("sync", [True, False])
async def test_a_tool_that_would_end_more_than_itself_only_fails(
    raised: BaseException, sync: bool
) -> None:
    async def book() -> None:
        await asyncio.sleep(0)
        raise raised

    def book_sync() -> None:
        raise raised

    outcome = await ran(book_sync if sync else book)
    assert not outcome.ok and orjson.loads(outcome.text)["error"]


@pytest.mark.parametrize("sync", [True, False])
async def test_a_wrong_word_for_argparse_is_told_to_the_model(sync: bool) -> None:
    def parse() -> None:
        argparse.ArgumentParser(prog="book").parse_args(["--dog"])

    async def parse_async() -> None:
        parse()

    outcome = await ran(parse if sync else parse_async)
    assert orjson.loads(outcome.text)["error"] == "it tried to exit with 2"


async def test_a_tool_that_is_cancelled_is_cancelled() -> None:
    began = asyncio.Event()

    async def book() -> None:
        began.set()
        await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ran(book))
        await began.wait()
        task.cancel()
    assert task.cancelled()


@pytest.mark.parametrize("effect", ["once", "read"])
@pytest.mark.parametrize(
    "result", [2**70, {(1, 2): 3}, "\ud800", float("nan"), b"\xff", object(), {1, 2}, [[]]]
)
async def test_what_has_run_is_never_reported_as_failed_or_run_again(
    result: object, effect: Effect
) -> None:
    runs: list[int] = []

    def book() -> object:
        runs.append(1)
        return result

    async def book_async() -> object:
        return book()

    for handler in (book, book_async):
        outcome = await ran(handler, effect=effect)
        assert outcome.ok and outcome.text.encode()
    assert len(runs) == 2


async def test_a_timeout_of_the_tools_own_is_a_failure_like_any_other() -> None:
    async def book() -> None:
        raise TimeoutError("the book is slow")

    assert "the book is slow" in (await ran(book)).text


@pytest.mark.virtual_time
async def test_a_tool_that_may_have_been_done_is_not_to_be_asked_for_again() -> None:
    async def book() -> None:
        await asyncio.get_running_loop().create_future()

    assert "do not ask for it again" in (await ran(book, timeout_s=2)).text
    assert "again" not in (await ran(book, timeout_s=2, effect="read")).text


def test_a_check_of_the_application_that_exits_is_a_refusal() -> None:
    class Kind:
        def read(self, text: str) -> Any:
            raise SystemExit(1)

    made = tool(handler=lambda: "", name="book")
    object.__setattr__(made, "reader", Kind())
    outcome = prepare(made, asked())
    assert isinstance(outcome, ToolOutcome) and "could not be read" in outcome.text


async def test_a_tool_that_says_no_is_neither_tried_again_nor_left_alone() -> None:
    runs: list[str] = []

    async def book() -> str:
        runs.append("book")
        raise ToolDeclined("there is no table left")

    no = tool(handler=book, effect="read")
    for _ in range(FAILURES + 1):
        outcome = await DEFAULT_EXECUTOR.execute(no, asked(), CALL)
        assert (outcome.ok, outcome.text) == (False, '{"error": "there is no table left"}')
    assert len(runs) == FAILURES + 1
