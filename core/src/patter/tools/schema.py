"""JSON schemas of Python signatures, and checks of schemas people write. Pure."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from patter.errors import PatterConfigError

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}
CONTEXT_NAMES = ("call", "call_context")


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Read the object schema of *function*'s parameters; the call context is left out."""
    hints = typing.get_type_hints(function)
    described = argument_docs(inspect.getdoc(function) or "")
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in CONTEXT_NAMES or parameter.kind in (
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            continue
        hint = hints.get(name, str)
        properties[name] = json_type(hint)
        if name in described:
            properties[name]["description"] = described[name]
        if parameter.default is inspect.Parameter.empty and not _optional(hint):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def json_type(hint: Any) -> dict[str, Any]:
    """The schema of one annotation; what JSON cannot name becomes a string."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        known = [arg for arg in args if arg is not type(None)]
        return json_type(known[0]) if len(known) == 1 else {"anyOf": [*map(json_type, known)]}
    if origin is Literal:
        return {**json_type(type(args[0])), "enum": list(args)}
    if origin in (list, tuple, set) or hint in (list, tuple, set):
        return {"type": "array", "items": json_type(args[0]) if args else {}}
    return {"type": _JSON_TYPES.get(origin or hint, "string")}


def summary_of(doc: str) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(doc.split("\n\n")[0].split())


def argument_docs(doc: str) -> dict[str, str]:
    """The ``Args:`` section of a docstring: name to text."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.M)
    entries = re.findall(
        r"^[ \t]+(\w+)[^:\n]*:[ \t]*(.+(?:\n[ \t]{6,}.+)*)", section[1] if section else "", re.M
    )
    return {name: " ".join(text.split()) for name, text in entries}


def check_schema(tool: str, schema: Mapping[str, Any], *, strict: bool) -> None:
    """Raise PatterConfigError unless *schema* is an object schema vendors will take."""
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        raise _bad(
            tool, "parameters must be a schema of type object", 'start with {"type": "object"}'
        )
    for name in schema.get("required", ()):
        if name not in properties:
            raise _bad(tool, f"required {name!r} is not among its properties", f"declare {name!r}")
    if strict:
        _check_strict(tool, schema)


def _check_strict(tool: str, schema: Mapping[str, Any]) -> None:
    """Strict mode wants closed objects with every property required, all the way down."""
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise _bad(tool, "strict needs additionalProperties: false", "add it to every object")
        missing = set(schema.get("properties", {})) - set(schema.get("required", ()))
        if missing:
            raise _bad(tool, f"strict needs {sorted(missing)} required", "list every property")
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for child in [*below, schema["items"]] if "items" in schema else below:
        _check_strict(tool, child)


def _bad(tool: str, what: str, fix: str) -> PatterConfigError:
    return PatterConfigError(f"tool {tool!r}: {what}", fix=fix)


def _optional(hint: Any) -> bool:
    return type(None) in get_args(hint)
