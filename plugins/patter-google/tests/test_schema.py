"""Any JSON schema becomes one that Gemini takes."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from patter_google._schema import parameters, taken_of
from patter_google.double.request_check import _check_schema

NAMES = st.sampled_from(["a", "b", "type"])
KINDS = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
VALUES = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "y"])
FREE: dict[str, Any] = {
    "additionalProperties": st.booleans(),
    "$schema": st.just("http://json-schema.org/draft-07/schema#"),
    "$id": st.just("x"),
    "exclusiveMinimum": st.integers(),
    "patternProperties": st.just({}),
    "uniqueItems": st.booleans(),
    "examples": st.just([1]),
    "format": st.sampled_from(["email", "date-time", "int32", "uuid", "float"]),
    "enum": st.lists(VALUES, max_size=3),
    "const": VALUES,
    "description": st.text(max_size=5),
    "title": st.text(max_size=5),
    "minimum": st.integers(),
    "maxLength": st.integers(0, 9),
    "$ref": st.sampled_from(["#/$defs/A", "#/$defs/None", "#", "#/properties/a", "elsewhere"]),
}


def _schemas(inner: Any) -> Any:
    optional = {
        **FREE,
        "type": KINDS | st.lists(KINDS, max_size=3),
        "properties": st.dictionaries(NAMES, inner, max_size=2),
        "required": st.lists(NAMES, max_size=3),
        "items": inner,
        "anyOf": st.lists(inner, max_size=2),
        "oneOf": st.lists(inner, max_size=2),
        "allOf": st.lists(inner, max_size=2),
        "$defs": st.fixed_dictionaries({"A": inner}),
    }
    return st.fixed_dictionaries({}, optional=optional)


schemas = st.recursive(
    st.fixed_dictionaries({}, optional={**FREE, "type": KINDS}), _schemas, max_leaves=6
)


@given(schemas)
def test_any_schema_is_taken_by_the_double_and_by_the_sdk(schema: dict[str, Any]) -> None:
    taken = taken_of(schema, schema)
    _check_schema(taken, "a")
    types.Schema.model_validate(taken)


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        ({"type": "string", "format": "email"}, {"type": "STRING"}),
        (
            {"type": "string", "format": "date-time"},
            {"type": "STRING", "format": "date-time"},
        ),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        (
            {"type": ["string", "integer"]},
            {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            {"type": "STRING", "nullable": True, "default": None},
        ),
        ({"const": "red"}, {"type": "STRING", "enum": ["red"]}),
        ({"enum": [1, 2]}, {"type": "INTEGER", "description": "(one of 1, 2)"}),
        (
            {"type": "integer", "enum": [1], "description": "How many"},
            {"type": "INTEGER", "description": "How many (one of 1)"},
        ),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        (
            {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 1},
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": 1},
        ),
        (
            {"properties": {"a": {"type": "boolean"}}, "required": ["a", "b", "a"]},
            {"type": "OBJECT", "properties": {"a": {"type": "BOOLEAN"}}, "required": ["a"]},
        ),
        (
            {"properties": {"type": {"type": "string"}}, "additionalProperties": False},
            {"type": "OBJECT", "properties": {"type": {"type": "STRING"}}},
        ),
        (
            {
                "allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}],
                "properties": {"b": {"type": "string"}},
            },
            {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}},
                "required": ["a"],
            },
        ),
    ],
    ids=str,
)
def test_what_can_be_said_otherwise_is(schema: dict[str, Any], taken: dict[str, Any]) -> None:
    assert taken_of(schema, schema) == taken


def test_a_reference_is_what_it_refers_to() -> None:
    schema = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Time", "description": "When"}},
        "$defs": {"Time": {"type": "integer", "minimum": 0, "description": "A time"}},
    }
    assert parameters(schema) == {
        "type": "OBJECT",
        "properties": {"at": {"type": "INTEGER", "minimum": 0, "description": "When"}},
    }


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    taken = parameters(schema)
    assert taken is not None and str(taken).count("next") < 50


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_tool_without_arguments_has_no_parameters(schema: dict[str, Any]) -> None:
    assert parameters(schema) is None
