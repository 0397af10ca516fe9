"""A tool's JSON schema as the part of OpenAPI that Gemini takes (pure).

Gemini refuses a request for any keyword that it does not know, so only those it does are sent:
what can be said otherwise is (``const`` is a choice of one, ``null`` among types is nullable), and
the rest is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JSON: TypeAlias = Mapping[str, Any]

DEEPEST = 24
"""A schema that refers to itself is cut here: Gemini has no references."""

_KEPT = frozenset(
    {
        "default",
        "description",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "nullable",
        "pattern",
        "title",
    }
)
_FORMATS = {
    "STRING": ("enum", "date-time"),
    "INTEGER": ("int32", "int64"),
    "NUMBER": ("float", "double"),
}
_TYPES = ("string", "number", "integer", "boolean", "array", "object")


def parameters(schema: JSON) -> dict[str, Any] | None:
    """*schema* of a tool's arguments; None when it has none, for an empty object is refused.

    >>> parameters({"type": "object", "properties": {"n": {"type": ["integer", "null"]}}})
    {'type': 'OBJECT', 'properties': {'n': {'nullable': True, 'type': 'INTEGER'}}}
    >>> parameters({"type": "object", "properties": {}}) is None
    True
    """
    taken = taken_of(schema, schema)
    return taken if taken.get("properties") else None


def taken_of(schema: object, root: JSON, depth: int = 0) -> dict[str, Any]:
    """What Gemini takes of *schema*, whose references are looked up in *root*."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return {"type": "OBJECT"}
    schema = _merged(schema, root, depth)
    taken = {name: value for name, value in schema.items() if name in _KEPT}
    options = [each for name in ("anyOf", "oneOf") for each in schema.get(name) or ()]
    kind = _kind(schema, taken)
    if kind is None or (options and isinstance(kind, list)):
        taken |= _one_of(options, root, depth)
        return taken
    if isinstance(kind, list):
        taken |= _one_of([{**schema, "type": each} for each in kind], root, depth)
        return taken
    taken["type"] = kind
    if schema.get("format") in _FORMATS.get(kind, ()):
        taken["format"] = schema["format"]
    _add_choices(taken, schema)
    _add_parts(taken, schema, root, depth)
    return taken


def _merged(schema: JSON, root: JSON, depth: int) -> JSON:
    """*schema* with what it refers to, and all of its ``allOf``, in it."""
    for _ in range(DEEPEST):
        if not isinstance(reference := schema.get("$ref"), str):
            break
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        schema = {**_looked_up(reference, root), **rest}
    merged = dict(schema)
    for part in merged.pop("allOf", None) or ():
        inner = (
            _merged(part, root, depth + 1) if isinstance(part, Mapping) and depth < DEEPEST else {}
        )
        properties = {**(merged.get("properties") or {}), **(inner.get("properties") or {})}
        required = [*(merged.get("required") or ()), *(inner.get("required") or ())]
        merged = {**inner, **merged}
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def _looked_up(reference: str, root: JSON) -> JSON:
    """What ``#/$defs/Name`` is; an empty schema when it is nothing here."""
    node: Any = root
    for step in reference.removeprefix("#/").split("/"):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _kind(schema: JSON, taken: dict[str, Any]) -> str | list[str] | None:
    """The one type of *schema*, several, or None when that is for its options to say."""
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if "null" in names:
        taken["nullable"] = True
    names = [each for each in names if each in _TYPES]
    if len(names) == 1:
        return str(names[0]).upper()
    if names:
        return [str(each) for each in names]
    if schema.get("anyOf") or schema.get("oneOf"):
        return None
    if "properties" in schema:
        return "OBJECT"
    return "ARRAY" if "items" in schema else _kind_of_choices(schema)


def _kind_of_choices(schema: JSON) -> str:
    """The type of values that are listed, text where nothing says otherwise."""
    values = [schema["const"]] if "const" in schema else list(schema.get("enum") or ())
    for python, kind in ((bool, "BOOLEAN"), (int, "INTEGER"), (float, "NUMBER")):
        if values and all(isinstance(each, python) for each in values):
            return kind
    return "STRING"


def _one_of(options: list[Any], root: JSON, depth: int) -> dict[str, Any]:
    """*options* as ``anyOf``; null among them makes the rest nullable."""
    real = [
        each for each in options if not (isinstance(each, Mapping) and each.get("type") == "null")
    ]
    nullable = {"nullable": True} if len(real) < len(options) else {}
    taken = [taken_of(each, root, depth + 1) for each in real]
    if not taken:
        return {"type": "STRING", **nullable}
    return {**taken[0], **nullable} if len(taken) == 1 else {"anyOf": taken, **nullable}


def _add_choices(taken: dict[str, Any], schema: JSON) -> None:
    """The values of ``enum`` and ``const``: Gemini lists only text, so others are described."""
    values = [schema["const"]] if "const" in schema else list(schema.get("enum") or ())
    values = [each for each in values if each is not None]
    if not values:
        return
    if taken["type"] == "STRING" and all(isinstance(each, str) and each for each in values):
        taken["enum"] = values
    else:
        listed = "one of " + ", ".join(map(str, values))
        taken["description"] = f"{taken.get('description') or ''} ({listed})".strip()


def _add_parts(taken: dict[str, Any], schema: JSON, root: JSON, depth: int) -> None:
    """The items of an array, which must have some, and the properties of an object."""
    if taken["type"] == "ARRAY":
        items = schema.get("items")
        taken["items"] = taken_of(items, root, depth + 1) if items else {"type": "STRING"}
    properties = schema.get("properties")
    if taken["type"] == "OBJECT" and isinstance(properties, Mapping) and properties:
        taken["properties"] = {
            str(name): taken_of(each, root, depth + 1) for name, each in properties.items()
        }
        required = [each for each in schema.get("required") or () if each in properties]
        if required:
            taken["required"] = list(dict.fromkeys(required))
