"""What a server lists, as tools for a model: what a vendor would choke on is left out. Pure.

One schema that a vendor refuses would silence the agent, so a tool that is in doubt is dropped and
the others stay. Patterns are left to the server: one that is made for it takes hours to match.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from patter.safe_text import one_line
from patter.tools.inlining import inline
from patter.tools.mcp_server import McpServer
from patter.tools.tool import NAME_LIMIT, Effect, Tool

MOST = 128
"""Tools of one server; vendors take no more in a request."""
DESCRIPTION_LIMIT, SCHEMA_LIMIT, DEPTH = 2_000, 16_000, 16
Run: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[str]]
_DEFINITIONS = ("$defs", "definitions")
_AT_ROOT = ("anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else")
"""Vendors take none of these in the schema of all arguments; the server checks them itself."""
_DROPPED = frozenset(
    {"pattern", "patternProperties", "$schema", "$id", "$comment", "propertyNames"}
)
_ARGUMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
log = logging.getLogger("patter.mcp")


@attrs.frozen(kw_only=True)
class Listed:
    """One tool as a server lists it; *read* and *idempotent* are the server's word on it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read: bool = False
    idempotent: bool = False

    @property
    def effect(self) -> Effect:
        """What running it means; ``once`` unless the server says otherwise."""
        return "read" if self.read else "idempotent" if self.idempotent else "once"


class UnusableError(Exception):
    """Why a listed tool cannot be offered to a model."""


def tools_of(server: McpServer, listed: Sequence[Listed], run: Run) -> tuple[Tool, ...]:
    """The tools of *listed* that a model can be offered; each calls *run* with the server's name.

    Those that cannot be are named in the log.
    """
    made: dict[str, Tool] = {}
    dropped: dict[str, str] = {}
    for each in listed:
        try:
            tool = _tool(server, each, run)
            if tool.name in made:
                raise UnusableError(f"another one is called {tool.name}, too")
            if len(made) == MOST:
                raise UnusableError(f"there are more than {MOST}")
            made[tool.name] = tool
        except Exception as problem:  # a schema may be anything
            dropped[one_line(each.name[:NAME_LIMIT])] = one_line(str(problem)[:200])
    if dropped:
        some = "; ".join(f"{name}: {why}" for name, why in [*dropped.items()][:5])
        log.warning("MCP server %s: %d tools left out: %s", server.label, len(dropped), some)
    return tuple(made.values())


def tool_name(server_name: str, name: str) -> str:
    """*name* as models take it, after the name of its server.

    >>> tool_name("", "get-forecast"), tool_name("git", "issues.search"), tool_name("", "2nd")
    ('get_forecast', 'git_issues_search', '_2nd')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", f"{server_name}_{name}" if server_name else name)
    return (f"_{plain}" if plain[:1].isdigit() else plain)[:NAME_LIMIT]


def schema_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """*schema* of an object without references, patterns and choices at its root.

    Raises UnusableError for one that is too large, or refers to what is not in it.
    """
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise UnusableError("its arguments are no object")
    if len(json.dumps(schema)) > SCHEMA_LIMIT:
        raise UnusableError(f"its schema has more than {SCHEMA_LIMIT} characters")
    plain = _plain(schema, 0)
    definitions = {
        name: each for key in _DEFINITIONS for name, each in dict(plain.pop(key, {})).items()
    }
    made = inline({key: each for key, each in plain.items() if key not in _AT_ROOT}, definitions)
    # One that holds itself keeps its reference, and is among the definitions that are left.
    if loose := set(_references(made)) - {f"#/$defs/{name}" for name in made.get("$defs", {})}:
        raise UnusableError(f"its schema refers to {min(loose)[:80]}")
    if len(json.dumps(made)) > 4 * SCHEMA_LIMIT:
        raise UnusableError("its schema is too large when it is written out")
    _check(made)
    return made


def _check(schema: Mapping[str, Any]) -> None:
    """Raise UnusableError for what is no JSON schema, or names arguments as vendors do not."""
    # Only for who has servers, and on a thread.
    from jsonschema import (  # type: ignore[import-untyped]
        Draft202012Validator,
        SchemaError,
    )

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise UnusableError(f"its schema is none: {error.message}") from None
    for name in schema.get("properties", {}):
        if not _ARGUMENT.fullmatch(name):
            raise UnusableError(f"an argument is called {name[:NAME_LIMIT]!r}")


def _tool(server: McpServer, listed: Listed, run: Run) -> Tool:
    async def handler(arguments: Mapping[str, Any], call_context: Mapping[str, Any]) -> str:  # noqa: ARG001
        return await run(listed.name, arguments)

    if not listed.name:
        raise UnusableError("it has no name")
    return Tool(
        tool_name(server.name, listed.name),
        listed.description[:DESCRIPTION_LIMIT],
        schema_of(listed.schema),
        handler,
        effect=listed.effect,
        timeout_s=server.timeout_s,
    )


def _plain(node: Any, depth: int) -> Any:
    """*node* with references in one form, and without what is dropped."""
    if depth > DEPTH:
        raise UnusableError("its schema is nested too deeply")
    if isinstance(node, list):
        return [_plain(each, depth + 1) for each in node]
    if not isinstance(node, Mapping):
        return node
    made: dict[str, Any] = {}
    for key, each in node.items():
        if key == "$ref":
            made[key] = str(each).replace("#/definitions/", "#/$defs/")
        elif key in ("properties", *_DEFINITIONS) and isinstance(each, Mapping):
            # Here the keys are names, which may be those of keywords.
            made[key] = {name: _plain(inner, depth + 1) for name, inner in each.items()}
        elif key not in _DROPPED:
            made[key] = _plain(each, depth + 1)
    return made


def _references(node: Any) -> Iterator[str]:
    inside: Iterable[Any] = ()
    if isinstance(node, Mapping):
        inside = node.values()
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
    elif isinstance(node, list):
        inside = node
    for each in inside:
        yield from _references(each)
