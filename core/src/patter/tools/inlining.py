"""JSON schemas without ``$ref``: vendors read those best. Recursive schemas keep theirs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_PREFIX = "#/$defs/"
_ONE = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs")
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def children(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas directly within *schema*."""
    yield from (schema[key] for key in _ONE if key in schema)
    for key in _LISTS:
        yield from schema.get(key, ())
    for key in _MAPS:
        yield from schema.get(key, {}).values()


def inline(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """*schema* with each ``$ref`` replaced; definitions that hold themselves go to ``$defs``."""
    recursive = {name for name in definitions if name in _reachable(definitions[name], definitions)}

    def expand(node: Any) -> Any:
        if not isinstance(node, Mapping):
            return node
        name = _reference(node)
        if name in definitions and name not in recursive:
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return expand({**definitions[name], **beside})
        return _complete(_over_children(node, expand))

    made: dict[str, Any] = expand(schema)
    kept = _reachable(schema, definitions) & recursive
    if kept:
        made["$defs"] = {name: expand(definitions[name]) for name in sorted(kept)}
    return made


def _complete(node: dict[str, Any]) -> dict[str, Any]:
    """Vendors want the type beside an enum, and items in every list."""
    kinds = {_JSON_TYPES.get(type(value)) for value in node.get("enum", ())}
    if len(kinds) == 1 and None not in kinds and "type" not in node:
        node = {"type": kinds.pop(), **node}
    if node.get("type") == "array" and not node.keys() & {"items", "prefixItems"}:
        node["items"] = {}
    return node


def _over_children(node: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    made = dict(node)
    made.update({key: change(node[key]) for key in _ONE if key in node})
    made.update({key: [change(each) for each in node[key]] for key in _LISTS if key in node})
    for key in _MAPS:
        if key in node:
            made[key] = {name: change(each) for name, each in node[key].items()}
    return made


def _reference(node: Mapping[str, Any]) -> str:
    target = node.get("$ref")
    return target.removeprefix(_PREFIX) if isinstance(target, str) else ""


def _reachable(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> set[str]:
    """The definitions that *schema* leads to."""
    seen: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping):
            continue
        name = _reference(node)
        if name in definitions and name not in seen:
            seen.add(name)
            waiting.append(definitions[name])
        waiting.extend(children(node))
    return seen
