"""Schemas are read off signatures, and those people write are checked before a vendor does."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.tools.schema import argument_docs, check_schema, json_type, schema_of, summary_of
from patter.tools.tool import Tool, tool

NAMES = st.text("abcdefgh_", min_size=1, max_size=8)


def test_a_signature_becomes_a_schema_without_the_call() -> None:
    def book(people: int, day: Literal["sat", "sun"], note: str = "", *, call: CallContext) -> str:
        """Book a table.

        Args:
            people: How many
                will come.
            day: Which day.
        """
        return f"{people}{day}{note}{call}"

    made = schema_of(book)
    assert made["required"] == ["people", "day"]
    assert made["properties"] == {
        "people": {"type": "integer", "description": "How many will come."},
        "day": {"type": "string", "enum": ["sat", "sun"], "description": "Which day."},
        "note": {"type": "string"},
    }


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (bool, {"type": "boolean"}),
        (float | None, {"type": "number"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array", "items": {}}),
        (dict[str, int], {"type": "object"}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (CallContext, {"type": "string"}),
    ],
)
def test_an_annotation_becomes_the_schema_json_has_for_it(hint: Any, schema: object) -> None:
    assert json_type(hint) == schema


def test_what_may_be_left_out_is_not_required() -> None:
    def find(day: str | None, *rest: str, **more: str) -> str:
        return f"{day}{rest}{more}"

    assert schema_of(find)["required"] == []
    assert list(schema_of(find)["properties"]) == ["day"]


@given(st.dictionaries(NAMES, st.text("xyz ", min_size=1).map(str.strip).filter(bool), max_size=4))
def test_documented_arguments_are_found_again(told: dict[str, str]) -> None:
    doc = "Do it.\n\nArgs:\n" + "".join(f"    {name}: {text}\n" for name, text in told.items())
    found = argument_docs(doc)
    assert found == {name: " ".join(text.split()) for name, text in told.items()}
    assert summary_of(doc) == "Do it."


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
