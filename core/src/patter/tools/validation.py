"""Does a value fit a JSON schema that somebody wrote? Says where it does not. Pure.

Checked are types, enum and const, objects, lists, the bounds of numbers and lengths, patterns,
combinations, and references within the schema. A ``format`` is the handler's to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from patter.tools.refusals import VALUE_LIMIT, bounded, excerpt, has_type, mismatch

_BOUNDS: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("minimum", "at least", lambda value, bound: value >= bound),
    ("maximum", "at most", lambda value, bound: value <= bound),
    ("exclusiveMinimum", "more than", lambda value, bound: value > bound),
    ("exclusiveMaximum", "less than", lambda value, bound: value < bound),
    ("multipleOf", "a multiple of", lambda value, bound: not value % bound),
)
_LENGTHS: Mapping[type, tuple[str, str, str]] = {
    str: ("minLength", "maxLength", "characters"),
    list: ("minItems", "maxItems", "items"),
    dict: ("minProperties", "maxProperties", "names"),
}
_DEPTH = 64


@attrs.frozen
class SchemaCheck:
    """Checks values against parts of *root*, the schema that their references point into."""

    root: Mapping[str, Any]

    def misfits(self, schema: Any, value: Any, at: str, depth: int = 0) -> Iterator[str]:
        """What is wrong with *value*, which is the argument, or the part of one, called *at*."""
        if schema is False:
            yield f"{at}: nothing is allowed here, got {excerpt(value)}"
        if not isinstance(schema, Mapping):
            return
        if depth > _DEPTH:
            yield f"{at}: nested too deeply"
            return
        if "$ref" in schema:
            yield from self.misfits(self._target(schema["$ref"]), value, at, depth + 1)
        if not (has_type(schema, value) and _is_one_of(schema, value)):
            yield mismatch(at, schema, value)
            return
        yield from self._combined(schema, value, at, depth + 1)
        yield from _out_of_bounds(schema, value, at)
        if isinstance(value, dict):
            yield from self._in_object(schema, value, at, depth + 1)
        elif isinstance(value, list):
            yield from self._in_list(schema, value, at, depth + 1)

    def _combined(
        self, schema: Mapping[str, Any], value: Any, at: str, depth: int
    ) -> Iterator[str]:
        for each in schema.get("allOf", ()):
            yield from self.misfits(each, value, at, depth)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                yield from self._of_branches(schema, name, value, at, depth)
        if "not" in schema and not any(self.misfits(schema["not"], value, at, depth)):
            yield f"{at}: {excerpt(value)} is not allowed"

    def _of_branches(
        self, schema: Mapping[str, Any], name: str, value: Any, at: str, depth: int
    ) -> Iterator[str]:
        every = [list(self.misfits(each, value, at, depth)) for each in schema[name]]
        fitting = sum(not problems for problems in every)
        if fitting > 1 and name == "oneOf":
            yield f"{at}: {excerpt(value)} fits more than one of its forms"
        if fitting or not every:
            return
        of_type = [
            problems
            for each, problems in zip(schema[name], every, strict=True)
            if isinstance(each, Mapping) and "type" in each and has_type(each, value)
        ]
        yield from (
            min(of_type, key=len) if of_type else [mismatch(at, {"anyOf": schema[name]}, value)]
        )

    def _in_object(
        self, schema: Mapping[str, Any], value: dict[str, Any], at: str, depth: int
    ) -> Iterator[str]:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"missing {at}.{name}"
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, each in value.items():
            where = f"{at}.{bounded(name, VALUE_LIMIT)}"
            if name in properties:
                yield from self.misfits(properties[name], each, where, depth)
            elif others is False:
                yield f"unknown {where}"
            else:
                yield from self.misfits(others, each, where, depth)

    def _in_list(
        self, schema: Mapping[str, Any], value: list[Any], at: str, depth: int
    ) -> Iterator[str]:
        first, items = schema.get("prefixItems", ()), schema.get("items", True)
        for index, each in enumerate(value):
            within = first[index] if index < len(first) else items
            yield from self.misfits(within, each, f"{at}[{index}]", depth)
        texts = [excerpt(each) for each in value]
        if schema.get("uniqueItems") and len(set(texts)) < len(texts):
            yield f"{at}: expected no item twice"

    def _target(self, reference: Any) -> Any:
        """What ``#/$defs/Name`` points to; anything, if it points nowhere."""
        target: Any = self.root
        for part in str(reference).lstrip("#").strip("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name, True) if isinstance(target, Mapping) else True
        return target


def _is_one_of(schema: Mapping[str, Any], value: Any) -> bool:
    """JSON's true is not its 1, as Python's is."""
    allowed = [schema["const"]] if "const" in schema else schema.get("enum", [value])
    return any(value == each and type(value) is type(each) for each in allowed)


def _out_of_bounds(schema: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for name, words, fits in _BOUNDS:
            if name in schema and not fits(value, schema[name]):
                yield f"{at}: expected {words} {schema[name]}, got {excerpt(value)}"
    least, most, noun = _LENGTHS.get(type(value), ("", "", ""))
    if len_below := least in schema and len(value) < schema[least]:
        yield f"{at}: expected at least {schema[least]} {noun}, got {len(value)}"
    if not len_below and most in schema and len(value) > schema[most]:
        yield f"{at}: expected at most {schema[most]} {noun}, got {len(value)}"
    if isinstance(value, str) and not _matches(schema.get("pattern"), value):
        yield f"{at}: expected what matches {schema['pattern']}, got {excerpt(value)}"


def _matches(pattern: Any, value: str) -> bool:
    if not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, value) is not None
    except re.error:  # written for another dialect than Python's
        return True
