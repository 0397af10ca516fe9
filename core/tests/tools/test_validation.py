"""What fits a written schema passes, and what does not is told by its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.tools.refusals import InvalidArgumentsError
from patter.tools.tool import tool
from patter.tools.validation import SchemaCheck

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
INT, LIST = {"type": "integer"}, {"type": "array", "items": {"type": "integer"}}
NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": INT},
    "required": ["name"],
    "additionalProperties": False,
}
TREE = {
    "$defs": {
        "Tree": {"type": "object", "properties": {"of": LIST, "in": {"$ref": "#/$defs/Tree"}}}
    },
    "$ref": "#/$defs/Tree",
}


def misfits(schema: Any, value: Any) -> list[str]:
    root = schema if isinstance(schema, dict) else {}
    return list(SchemaCheck(root).misfits(schema, value, "x"))


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (LIST, ["2"], 'x[0]: expected an integer, got "2"'),
        (LIST, [1, 2.0], "x[1]: expected an integer, got 2.0"),
        (
            {"type": "array", "prefixItems": [INT], "items": False},
            [1, 2],
            "x[1]: nothing is allowed",
        ),
        (NAMED, {"age": 3}, "missing x.name"),
        (NAMED, {"name": "Ann", "age": "3"}, 'x.age: expected an integer, got "3"'),
        (NAMED, {"name": "Ann", "dog": 1}, "unknown x.dog"),
        ({"additionalProperties": INT}, {"a": "1"}, 'x.a: expected an integer, got "1"'),
        ({"anyOf": [INT, {"type": "null"}]}, "2", 'x: expected an integer or null, got "2"'),
        ({"anyOf": [NAMED, INT]}, {"name": 1}, "x.name: expected a string, got 1"),
        ({"oneOf": [INT, {"type": "number"}]}, 2, "x: 2 fits more than one of its forms"),
        ({"allOf": [INT, {"minimum": 3}]}, 2, "x: expected at least 3, got 2"),
        ({"not": INT}, 2, "x: 2 is not allowed"),
        ({"const": 1}, True, "x: expected something else, got true"),
        ({"enum": ["a", "b"]}, "c", 'x: expected one of "a", "b", got "c"'),
        ({"minimum": 1, "maximum": 5}, 6, "x: expected at most 5, got 6"),
        ({"exclusiveMinimum": 0}, 0, "x: expected more than 0, got 0"),
        ({"exclusiveMaximum": 1}, 1, "x: expected less than 1, got 1"),
        ({"multipleOf": 5}, 7, "x: expected a multiple of 5, got 7"),
        ({"minLength": 2}, "a", "x: expected at least 2 characters, got 1"),
        ({"maxLength": 2}, "abc", "x: expected at most 2 characters, got 3"),
        ({"pattern": "^[0-9]+$"}, "12a", 'x: expected what matches ^[0-9]+$, got "12a"'),
        ({"minItems": 1}, [], "x: expected at least 1 items, got 0"),
        ({"uniqueItems": True}, [1, 1], "x: expected no item twice"),
        (TREE, {"in": {"in": {"of": ["2"]}}}, 'x.in.in.of[0]: expected an integer, got "2"'),
        (False, 1, "x: nothing is allowed here, got 1"),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(schema: Any, value: Any, problem: str) -> None:
    [told] = misfits(schema, value)
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (True, [1]),
        ({}, {"a": 1}),
        (LIST, [1, 2]),
        (NAMED, {"name": "Ann", "age": 3}),
        ({"anyOf": [INT, {"type": "null"}]}, None),
        ({"oneOf": [INT, {"type": "string"}]}, "a"),
        ({"not": INT}, "2"),
        ({"const": {"a": [1]}}, {"a": [1]}),
        ({"minimum": 1}, True),
        ({"minLength": 2}, [1]),
        ({"pattern": "(?<x>"}, "y"),
        ({"$ref": "#/$defs/Nowhere"}, 1),
        (TREE, {"in": {"of": [2]}}),
        ({"anyOf": []}, 1),
    ],
)
def test_what_fits_passes(schema: Any, value: Any) -> None:
    assert misfits(schema, value) == []


@given(JSON)
def test_any_value_is_judged_by_a_schema_that_refers_to_itself(value: Any) -> None:
    schema = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, INT]}}, "$ref": "#/$defs/a"}
    assert bool(misfits(schema, value)) or isinstance(value, int)


def taken(schema: dict[str, Any], sent: str, handler: Any) -> Any:
    parameters = {"type": "object", "properties": {"n": schema}}
    return tool(handler=handler, name="t", parameters=parameters).reader.read(sent).values


def test_a_written_schema_without_a_type_has_that_of_the_handler() -> None:
    def count(n: int) -> int:
        return n

    def maybe(n: int = None) -> int:  # type: ignore[assignment]  # noqa: RUF013
        return n

    def anything(n: Any) -> Any:
        return n

    with pytest.raises(InvalidArgumentsError, match='n: expected an integer, got "2"'):
        taken({"description": "how many"}, '{"n": "2"}', count)
    assert taken({"description": "how many"}, '{"n": 2}', count) == {"n": 2}
    assert taken({}, '{"n": null}', maybe) == {"n": None}
    assert taken({}, '{"n": "2"}', anything) == {"n": "2"}
    assert taken({"type": "string"}, '{"n": "2"}', count) == {"n": "2"}
