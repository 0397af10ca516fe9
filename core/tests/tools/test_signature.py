"""A handler that a model's arguments can never fill is refused when its tool is made."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import DEFAULT_EXECUTOR
from patter.tools.signature import function_of
from patter.tools.tool import Tool, tool

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class Engine:
    """Something JSON has no words for."""


class Desk:
    """Seats people.

    Args:
        people: How many.
    """

    seats = 4

    def book(self, people: int) -> str:
        """Book a table."""
        return f"{people} of {self.seats}"

    @classmethod
    def close(cls, day: str) -> str:
        return f"{cls.__name__} closed on {day}"

    @staticmethod
    def open(day: str) -> str:
        return f"open on {day}"

    def __call__(self, people: int) -> str:
        return f"called for {people}"


def positional(people: int, /) -> None: ...
def many(*people: int) -> None: ...
def named(**people: int) -> None: ...
def engine(what: Engine) -> None: ...
def stream(what: Iterator[int]) -> None: ...
def two_classes(what: FirstOf | SecondOf) -> None: ...
def unresolved(what: Missing) -> None: ...
def of_the_call(context: CallContext) -> None: ...
def later(what: int) -> Missing: ...
def seated(engine: Engine, people: int, *, call: CallContext) -> str:
    """Seat people."""
    return f"{people} on {call.call_id}"


@attrs.frozen
class FirstOf:
    a: int


@attrs.frozen
class SecondOf:
    b: int


@pytest.mark.parametrize(
    ("handler", "what", "fix"),
    [
        (Desk.book, "Desk.book is a method without its object", "the_object.book"),
        (functools.partial(Desk.book), "method without its object", "the_object.book"),
        (positional, "'people' is positional-only", "remove the /"),
        (many, r"\*people has no names", "name each parameter"),
        (named, r"\*\*people has no names", "parameters="),
        (engine, "'what' has a type that JSON cannot carry: Engine", "dataclass"),
        (stream, "'what' has a type that JSON cannot carry", "list"),
        (two_classes, "may not contain more than one", "one such class at most"),
        (unresolved, "name 'Missing' is not defined", "TYPE_CHECKING"),
        (of_the_call, "'context' is the call", "name it call"),
        (dict, "signature cannot be read", "wrap it in a def"),
    ],
)
def test_a_signature_that_cannot_work_is_refused_with_a_fix(
    handler: Callable[..., Any], what: str, fix: str
) -> None:
    with pytest.raises(PatterConfigError, match=what) as refused:
        tool(handler=handler)
    assert fix in refused.value.fix
    assert handler is dict or function_of(handler).__name__ in refused.value.message


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (Desk().book, "2 of 4"),
        (functools.partial(Desk().book, people=2), "2 of 4"),
        (functools.partial(Desk.book, Desk()), "2 of 4"),
        (functools.partial(seated, Engine()), "2 on c1"),
        (functools.partial(seated, engine=Engine()), "2 on c1"),
        (Desk(), "called for 2"),
        (lambda people=1: f"{people} came", "2 came"),
    ],
)
async def test_a_callable_that_can_work_does(handler: Callable[..., Any], result: str) -> None:
    made = tool(handler=handler, name="book")
    sent = '{"people": 2}' if made.parameters["properties"] else "{}"
    outcome = await DEFAULT_EXECUTOR.execute(
        made, ToolRequest("t", "book", sent), CallContext(call_id="c1")
    )
    assert outcome.text == result


@pytest.mark.parametrize("handler", [Desk.close, Desk.open])
def test_methods_that_need_no_object_are_tools(handler: Callable[..., Any]) -> None:
    assert list(tool(handler=handler).parameters["properties"]) == ["day"]


def test_a_partial_goes_by_the_function_it_calls() -> None:
    made = tool(handler=functools.partial(seated, engine=Engine()))
    assert (made.name, made.description) == ("seated", "Seat people.")
    assert list(made.parameters["properties"]) == ["people"]


def test_an_object_that_is_called_has_its_own_description() -> None:
    made = tool(handler=Desk(), name="desk")
    assert made.description == "Seats people."
    assert made.parameters["properties"]["people"]["description"] == "How many."
    with pytest.raises(PatterConfigError) as refused:
        tool(handler=Desk())
    assert "name=" in refused.value.fix


def test_a_return_type_for_checkers_alone_does_no_harm() -> None:
    assert tool(handler=later).parameters["required"] == ["what"]


def test_a_wrapper_takes_what_the_function_within_takes() -> None:
    @functools.wraps(seated)
    def wrapper(*args: Any, **kwargs: Any) -> str:
        return seated(*args, **kwargs)

    bound = functools.partial(wrapper, Engine())
    assert list(tool(handler=bound).parameters["properties"]) == ["people"]


def test_a_tool_made_directly_reads_the_signature_too() -> None:
    handler = Desk().book
    assert Tool(name="book", handler=handler) == tool(handler=handler, description="")


def test_a_changed_copy_keeps_its_types() -> None:
    changed = attrs.evolve(tool(handler=Desk().book), name="reserve")
    assert changed.reader == tool(handler=Desk().book).reader
    assert changed.name == "reserve"
    other = attrs.evolve(changed, handler=Desk.close)
    assert other.reader.read('{"day": "sun"}').values == {"day": "sun"}


@pytest.mark.parametrize(
    ("handler", "properties", "what"),
    [
        (Desk().book, {}, "needs 'people'"),
        (Desk().book, {"people": {}, "dog": {}}, "declare 'dog'"),
        (positional, {"people": {}}, "positional-only"),
        (Desk.book, {"people": {}}, "without its object"),
    ],
)
def test_a_written_schema_must_fit_its_handler(
    handler: Callable[..., Any], properties: dict[str, Any], what: str
) -> None:
    with pytest.raises(PatterConfigError, match=what) as refused:
        tool(handler=handler, parameters={"type": "object", "properties": properties})
    assert refused.value.fix


async def test_a_written_schema_lets_a_handler_take_any_name() -> None:
    async def note(**what: str) -> str:
        await asyncio.sleep(0)
        return " ".join(what)

    schema = {"type": "object", "additionalProperties": True}
    made = tool(handler=note, parameters=schema)
    request = ToolRequest("t", "note", '{"a": 1, "b": 2}')
    assert (await DEFAULT_EXECUTOR.execute(made, request, CallContext(call_id="c1"))).text == "a b"
