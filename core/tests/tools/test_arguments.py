"""A handler gets values of its own types; what does not fit is refused with a reason."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.executor import DEFAULT_EXECUTOR, prepare
from patter.tools.refusals import REASON_LIMIT, InvalidArgumentsError
from patter.tools.tool import Tool, tool

CALL = CallContext(call_id="c1")


class Day(Enum):
    SAT = "sat"
    SUN = "sun"


class Floor(IntEnum):
    GROUND = 0
    FIRST = 1


@dataclass(frozen=True)
class Guest:
    name: str
    age: int = 30

    def __post_init__(self) -> None:
        if self.age < 0:
            raise ValueError("nobody is that young")
        if self.age > 150:
            raise LookupError("no such age")


@attrs.frozen
class Table:
    seats: Annotated[int, msgspec.Meta(ge=1, le=12)]
    guests: tuple[Guest, ...] = ()


class Wish(TypedDict):
    dish: str
    spice: NotRequired[int]


class Place(NamedTuple):
    row: int
    name: str = "window"


class Dish(msgspec.Struct, frozen=True):
    name: str
    sides: tuple[Dish, ...] = ()


class Cash(msgspec.Struct, tag=True):
    amount: int


class Card(msgspec.Struct, tag=True):
    number: str


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
GUESTS = st.builds(Guest, WORDS, st.integers(0, 150))
VALUES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, WORDS),
    (int, st.integers(-(2**70), 2**70)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (Day, st.sampled_from(Day)),
    (Floor, st.sampled_from(Floor)),
    (Literal["a", 1, None], st.sampled_from(["a", 1, None])),
    (Guest, GUESTS),
    (Table, st.builds(Table, st.integers(1, 12), st.lists(GUESTS, max_size=2).map(tuple))),
    (Wish, st.fixed_dictionaries({"dish": WORDS}, optional={"spice": st.integers(0, 5)})),
    (Place, st.builds(Place, st.integers(0, 9), WORDS)),
    (Dish, st.recursive(st.builds(Dish, WORDS), lambda d: st.builds(Dish, WORDS, st.tuples(d)))),
    (int | None, st.none() | st.integers(0, 9)),
    (int | list[str], st.integers(0, 9) | st.lists(WORDS, max_size=2)),
    (set[int], st.sets(st.integers(0, 9))),
    (tuple[int, Day], st.tuples(st.integers(0, 9), st.sampled_from(Day))),
    (dict[str, list[Guest]], st.dictionaries(WORDS, st.lists(GUESTS, max_size=2), max_size=2)),
    (dict[int, str], st.dictionaries(st.integers(0, 9), WORDS, max_size=2)),
    (date, st.dates()),
    (datetime, st.datetimes()),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (bytes, st.binary(max_size=8)),
]


def taking(hint: Any) -> Callable[..., Any]:
    """A handler with one parameter, *value*, of type *hint*."""

    def take(value: Any) -> Any: ...

    take.__annotations__["value"] = hint
    return take


@functools.cache
def tool_taking(index: int) -> Tool:
    return tool(handler=taking(VALUES[index][0]))


@given(st.data())
def test_every_value_of_a_type_comes_back_from_its_json(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(VALUES) - 1))
    value = data.draw(VALUES[index][1])
    sent = msgspec.json.encode({"value": value}).decode()
    read = tool_taking(index).reader.read(sent).values
    assert read == {"value": value}
    assert type(read["value"]) is type(value)


@pytest.mark.parametrize(
    ("hint", "sent", "reason"),
    [
        (int, '"2"', 'value: expected an integer, got "2"'),
        (int, "2.0", "value: expected an integer, got 2.0"),
        (int, "true", "value: expected an integer, got true"),
        (int, "null", "value: expected an integer, got null"),
        (float, '"2"', 'value: expected a number, got "2"'),
        (str, "null", "value: expected a string, got null"),
        (str, "7", "value: expected a string, got 7"),
        (bool, "1", "value: expected true or false, got 1"),
        (Day, '"mon"', 'value: expected one of "sat", "sun", got "mon"'),
        (Floor, "7", "value: expected one of 0, 1, got 7"),
        (Literal["sat", "sun"], '"mon"', 'value: expected one of "sat", "sun", got "mon"'),
        (int | None, '"2"', 'value: expected an integer or null, got "2"'),
        (date, '"soon"', 'value: expected a date as 2026-05-31, got "soon" (invalid'),
        (UUID, '"7"', 'value: expected a UUID, got "7" (invalid'),
        (list[int], '["2"]', 'value: expected a list, got ["2"] (expected int, got str at [0])'),
        (dict[str, int], '{"a": null}', 'got {"a":null} (expected int, got null at [...])'),
        (tuple[int, str], "[1]", "value: expected a list, got [1] (expected array of length 2)"),
        (Guest, '"Ann"', 'value: expected an object, got "Ann"'),
        (Guest, "{}", "value: expected an object, got {} (object missing required field name)"),
        (Guest, '{"name": "Ann", "age": -1}', "(nobody is that young)"),
        (Guest, '{"name": "Ann", "age": 200}', "no such age"),
        (Guest, '{"name": "Ann", "dog": 1}', "unknown value.dog"),
        (Table, '{"seats": 0}', "(expected int >= 1 at .seats)"),
        (Table, '{"seats": 1, "guests": [{"name": "", "x": 1}]}', "unknown value.guests[0].x"),
        (Table | None, '{"seats": 1, "dog": 2}', "unknown value.dog"),
        (tuple[int, Wish], '[1, {"dish": "", "x": 1}]', "unknown value[1].x"),
        (dict[str, Guest], '{"a": {"name": "", "x": 1}}', "unknown value.a.x"),
        (Dish, '{"name": "", "sides": [{"name": "", "x": 1}]}', "unknown value.sides[0].x"),
        (Cash | Card, '{"type": "Card", "number": "", "x": 1}', "unknown value.x"),
        (Annotated[str, msgspec.Meta(max_length=2)], '"abc"', "(expected str of length <= 2)"),
        (int, "[" * 900 + "]" * 900, "got something nested too deeply"),
    ],
)
async def test_what_does_not_fit_is_refused_and_never_reaches_the_handler(
    hint: Any, sent: str, reason: str
) -> None:
    reached: list[object] = []

    def take(value: Any) -> None:
        reached.append(value)

    take.__annotations__["value"] = hint
    request = ToolRequest("t", "take", f'{{"value": {sent}}}')
    outcome = await DEFAULT_EXECUTOR.execute(tool(handler=take), request, CALL)
    assert not outcome.ok and not reached
    assert reason in msgspec.json.decode(outcome.text)["error"]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("{", "not a JSON object: unexpected end"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"value": 1', "not a JSON object"),
        ('{"value": 01}', "not a JSON object"),
        ('{"value": NaN}', "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ("\ud800", "not a JSON object"),
        ("", "missing value"),
        ("{}", "missing value"),
        ('{"value": 1, "dog": 2}', "unknown dog"),
    ],
)
def test_what_is_no_object_with_the_right_names_is_refused(sent: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentsError, match=reason):
        tool(handler=taking(int)).reader.read(sent)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    def book(day: Day, people: int, note: str) -> None: ...

    with pytest.raises(InvalidArgumentsError) as refused:
        tool(handler=book).reader.read('{"day": "mon", "people": "2", "dog": 1}')
    assert refused.value.reason == (
        "the arguments do not fit: missing note; unknown dog; "
        'day: expected one of "sat", "sun", got "mon"; people: expected an integer, got "2"'
    )


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), WORDS | st.lists(WORDS), max_size=9))
def test_a_reason_is_bounded_whatever_the_model_sends(arguments: dict[str, Any]) -> None:
    sent = msgspec.json.encode({**arguments, "value": "x" * 5_000, "y" * 5_000: 1}).decode()
    with pytest.raises(InvalidArgumentsError) as refused:
        tool_taking(1).reader.read(sent)
    assert len(refused.value.reason) <= REASON_LIMIT
    assert len(str(refused.value)) <= REASON_LIMIT


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for sent in (text, f'{{"value": {text}}}'):
        try:
            tool_taking(1).reader.read(sent)
        except InvalidArgumentsError as refused:
            assert refused.reason


def test_a_union_of_classes_is_closed_to_the_names_of_the_one_that_came() -> None:
    read = tool(handler=taking(Cash | Card)).reader.read(
        '{"value": {"type": "Card", "number": ""}}'
    )
    assert read.values == {"value": Card(number="")}


def test_a_reason_is_bounded_however_much_is_wrong() -> None:
    def book(**people: int) -> None: ...

    many = {f"guest{n}": {"type": "integer"} for n in range(50)}
    made = tool(handler=book, parameters={"type": "object", "properties": many})
    with pytest.raises(InvalidArgumentsError) as refused:
        made.reader.read(msgspec.json.encode(dict.fromkeys(many, "x" * 50)).decode())
    assert len(refused.value.reason) == REASON_LIMIT


async def test_a_handler_gets_values_of_its_types_and_its_own_defaults() -> None:
    sentinel = Guest("nobody")

    def book(day: Day, table: Table, price: float, guest: Guest = sentinel) -> str:
        assert guest is sentinel
        return f"{day.name} {table.guests[0].name} {price!r}"

    sent = '{"day": "sun", "table": {"seats": 2, "guests": [{"name": "Ann"}]}, "price": 3}'
    outcome = await DEFAULT_EXECUTOR.execute(
        tool(handler=book), ToolRequest("t", "book", sent), CALL
    )
    assert outcome.text == "SUN Ann 3.0"
    assert outcome.arguments["day"] == "sun"


async def test_a_handler_without_parameters_needs_no_text() -> None:
    outcome = await DEFAULT_EXECUTOR.execute(
        tool(handler=lambda: "ok", name="go"), ToolRequest("t", "go", ""), CALL
    )
    assert outcome.text == "ok"


WRITTEN = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "mode": {"type": "string", "enum": ["cold", "warm"]},
        "level": {"enum": [1, True]},
        "count": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "more": {"description": "anything"},
    },
    "required": ["number"],
}


def written(number: str, **others: Any) -> str:
    return " ".join([number, *others])


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("[]", "not a JSON object"),
        ("{}", "missing number"),
        ('{"number": 1}', "number: expected a string, got 1"),
        ('{"number": null}', "number: expected a string, got null"),
        ('{"number": "1", "mode": "hot"}', 'mode: expected one of "cold", "warm", got "hot"'),
        ('{"number": "1", "level": 1.0}', "level: expected one of 1, true, got 1.0"),
        ('{"number": "1", "count": true}', "count: expected an integer or null, got true"),
        ('{"number": "1", "share": false}', "share: expected a number, got false"),
        ('{"number": "1", "dog": 1}', "unknown dog"),
    ],
)
def test_a_written_schema_is_checked_on_its_top_level(sent: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentsError) as refused:
        tool(handler=written, parameters=WRITTEN).reader.read(sent)
    assert reason in refused.value.reason


def test_what_fits_a_written_schema_is_passed_as_it_came() -> None:
    sent = {"number": "1", "mode": "warm", "level": True, "count": None, "share": 1, "more": [{}]}
    read = tool(handler=written, parameters=WRITTEN).reader.read(msgspec.json.encode(sent).decode())
    assert read.values == read.raw == sent


def test_open_objects_do_not_reach_a_handler_that_takes_no_other_names() -> None:
    schema = {"type": "object", "properties": {"value": {}}, "additionalProperties": True}
    with pytest.raises(InvalidArgumentsError, match="unknown dog"):
        tool(handler=taking(int), parameters=schema).reader.read('{"value": 1, "dog": 2}')


def test_what_python_needs_is_required_whatever_a_written_schema_says() -> None:
    schema = {"type": "object", "properties": {"number": {"type": "string"}}}
    with pytest.raises(InvalidArgumentsError, match="missing number"):
        tool(handler=written, parameters=schema).reader.read("{}")


def test_a_fault_in_a_check_of_the_application_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    sent = '{"value": {"name": "Ann", "age": 200}}'
    refused = prepare(tool(handler=taking(Guest)), ToolRequest("t", "take", sent))
    assert "no such age" in repr(refused) and "LookupError" in caplog.text
