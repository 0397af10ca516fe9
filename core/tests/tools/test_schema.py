"""Schemas are read off signatures, and those people write are checked before a vendor does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.tools.schema import argument_docs, check_schema, description_of, schema_of
from patter.tools.tool import Tool, tool

NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
GUEST = {
    "type": "object",
    "description": "Somebody who comes.",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "default": 30}},
    "required": ["name"],
    "additionalProperties": False,
}


class Day(Enum):
    SAT = "sat"
    SUN = "sun"


@dataclass
class Guest:
    """Somebody who comes."""

    name: str
    age: int = 30


class Dish(msgspec.Struct):
    guest: Guest
    sides: list[Dish] = []


class Twin:
    class Dish(msgspec.Struct):
        weight: int
        sides: list[Twin.Dish] = []


def taking(hint: Any) -> Callable[..., None]:
    """A handler with one parameter, *value*, of type *hint*."""

    def take(value: Any) -> None: ...

    take.__annotations__["value"] = hint
    return take


def test_a_signature_becomes_a_schema_without_the_call() -> None:
    def book(people: int, day: Literal["sat", "sun"], note: str = "", *, call: CallContext) -> str:
        """Book a table.

        Args:
            people: How many
                will come.
            day: Which day.
        """
        return f"{people}{day}{note}{call}"

    made = schema_of("book", book)
    assert made["required"] == ["people", "day"]
    assert made["properties"] == {
        "people": {"type": "integer", "description": "How many will come."},
        "day": {"type": "string", "enum": ["sat", "sun"], "description": "Which day."},
        "note": {"type": "string", "default": ""},
    }
    assert made["additionalProperties"] is False


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (bool, {"type": "boolean"}),
        (Any, {}),
        (float | None, {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array", "items": {}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (Literal["a", None], {"enum": [None, "a"]}),
        (Day, {"type": "string", "enum": ["sat", "sun"]}),
        (date, {"type": "string", "format": "date"}),
        (Guest, GUEST),
        (list[Guest], {"type": "array", "items": GUEST}),
        (Annotated[int, "How many."], {"type": "integer", "description": "How many."}),
        (
            Annotated[int, msgspec.Meta(ge=1, description="How many.")],
            {"type": "integer", "minimum": 1, "description": "How many."},
        ),
        (
            dict[str, list[Annotated[str, "A dish."]]] | None,
            {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": {
                            "type": "array",
                            "items": {"type": "string", "description": "A dish."},
                        },
                    },
                    {"type": "null"},
                ]
            },
        ),
    ],
)
def test_an_annotation_becomes_the_schema_json_has_for_it(hint: Any, schema: object) -> None:
    assert schema_of("take", taking(hint))["properties"]["value"] == schema


def test_only_what_is_recursive_is_defined_apart() -> None:
    made = schema_of("take", taking(list[Dish]))
    assert made["properties"]["value"]["items"] == {"$ref": "#/$defs/Dish"}
    assert list(made["$defs"]) == ["Dish"]
    inner = made["$defs"]["Dish"]
    assert inner["properties"]["sides"]["items"] == {"$ref": "#/$defs/Dish"}
    assert inner["properties"]["guest"] == GUEST
    assert inner["additionalProperties"] is False


def test_classes_of_one_name_keep_apart() -> None:
    def find(one: Dish, other: Twin.Dish) -> str:
        return f"{one}{other}"

    made = schema_of("find", find)
    own, others = (made["properties"][name]["$ref"] for name in ("one", "other"))
    assert own != others and len(made["$defs"]) == 2
    assert made["$defs"][others.removeprefix("#/$defs/")]["properties"]["weight"]


def test_a_parameter_without_a_default_is_required_also_if_it_may_be_null() -> None:
    def find(day: str | None, place: str | None = None) -> str:
        return f"{day}{place}"

    assert schema_of("find", find)["required"] == ["day"]


def test_defaults_are_shown_where_a_model_could_send_them() -> None:
    def find(  # type: ignore[no-untyped-def]
        day: Day = Day.SUN,
        when: date = date(2026, 5, 31),
        guest: Guest = Guest("Ann"),  # noqa: B008
        share: float = math.nan,
        place: str = None,  # type: ignore[assignment]  # noqa: RUF013
        size=3,
    ) -> None: ...

    properties = schema_of("find", find)["properties"]
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    assert defaults == {
        "day": "sun",
        "when": "2026-05-31",
        "guest": {"name": "Ann", "age": 30},
        "size": 3,
    }
    assert properties["size"]["type"] == "integer"


@given(st.dictionaries(NAMES, st.text("xyz ", min_size=1).map(str.strip).filter(bool), max_size=4))
def test_documented_arguments_are_found_again(told: dict[str, str]) -> None:
    doc = "Do it.\n\nArgs:\n" + "".join(f"    {name}: {text}\n" for name, text in told.items())
    found = argument_docs(doc)
    assert found == {name: " ".join(text.split()) for name, text in told.items()}

    def do() -> None: ...

    do.__doc__ = doc
    assert description_of(do) == "Do it."


@given(st.sets(NAMES, max_size=4), st.sets(NAMES, max_size=4))
def test_what_is_required_is_declared(required: set[str], declared: set[str]) -> None:
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in declared},
        "required": sorted(required),
    }
    if required <= declared:
        check_schema("book", schema, strict=False)
        return
    with pytest.raises(PatterConfigError) as refused:
        check_schema("book", schema, strict=False)
    assert refused.value.fix.startswith("declare ")


def test_strict_schemas_are_closed_all_the_way_down() -> None:
    inner: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
    inner["required"] = ["a"]
    outer = {
        "type": "object",
        "properties": {"list": {"type": "array", "items": inner}},
        "required": ["list"],
        "additionalProperties": False,
    }
    with pytest.raises(PatterConfigError, match="additionalProperties"):
        check_schema("book", outer, strict=True)
    inner["additionalProperties"] = False
    check_schema("book", outer, strict=True)


def test_a_typed_function_is_strict_if_nothing_can_be_left_out() -> None:
    assert tool(handler=taking(list[Day] | None), strict=True).spec.strict
    with pytest.raises(PatterConfigError, match="additionalProperties"):
        tool(handler=taking(dict[str, int]), strict=True)
    with pytest.raises(PatterConfigError, match=r"strict needs .*age.* required"):
        tool(handler=taking(tuple[int, Guest]), strict=True)


def test_a_decorated_function_is_a_tool_and_still_a_function() -> None:
    @tool(effect="read", reassurance="One moment.")
    def look_up(day: str) -> str:
        """Look a day
        up.

        More than that.
        """
        return f"free on {day}"

    assert isinstance(look_up, Tool)
    assert (look_up.name, look_up.description) == ("look_up", "Look a day up.")
    assert look_up("sunday") == "free on sunday"
    assert look_up.spec.parameters["required"] == ["day"]
    assert look_up.effect == "read"
    assert tool(handler=look_up.handler, name="other").name == "other"


@pytest.mark.parametrize("name", ["", "two words", "7up", "a-b"])
def test_a_name_no_vendor_takes_is_refused(name: str) -> None:
    with pytest.raises(PatterConfigError) as refused:
        Tool(name=name, handler=lambda: "")
    assert refused.value.fix


def test_a_tool_that_cannot_run_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="no handler"):
        Tool(name="book", handler=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="effect"):
        Tool(name="book", handler=lambda: "", effect="maybe")  # type: ignore[arg-type]


@given(st.floats(allow_nan=False))
def test_every_time_limit_is_within_bounds(seconds: float) -> None:
    assert 0.1 <= Tool(name="book", handler=lambda: "", timeout_s=seconds).timeout_s <= 300.0
