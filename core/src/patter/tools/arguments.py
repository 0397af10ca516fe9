"""What a model sends becomes what a handler takes, or is refused with the reason. Pure.

Two readers: `TypedArguments` decodes by the handler's annotations; `DeclaredArguments` goes by a
schema that somebody wrote, whose types Python does not know.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Protocol

import attrs
import orjson

from patter.tools.annotations import raw_values
from patter.tools.refusals import InvalidArgumentsError, has_type, mismatch, names
from patter.tools.schema import SignatureSchema
from patter.tools.signature import Signature, bad_tool, signature_of
from patter.tools.validation import SchemaCheck

_KINDS = ((int, "integer"), (float, "number"), (bool, "boolean"), (str, "string"))
_SAYS_WHAT = frozenset({"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"})


@attrs.frozen
class Arguments:
    """Arguments that fit: *raw* as the model sent them, *values* as the handler takes them."""

    raw: Mapping[str, Any]
    values: Mapping[str, Any]


class ArgumentReader(Protocol):
    """Reads the arguments of one tool."""

    def read(self, text: str) -> Arguments:
        """Raises InvalidArgumentsError for JSON *text* that does not fit."""
        ...


@attrs.frozen
class TypedArguments:
    """Decodes by the annotations of the handler whose *schema* this is."""

    schema: SignatureSchema

    def read(self, text: str) -> Arguments:
        raw, properties = parse(text), self.schema["properties"]
        problems = _wrong_names(raw, self.schema["required"], properties)
        closed = ClosedObjects(self.schema.get("$defs", {}))
        values: dict[str, Any] = {}
        for name, piece in raw_values(text).items() if raw else ():
            if name not in properties:
                continue
            try:
                values[name] = self.schema.decoders[name](piece)
            except ValueError as exc:
                problems.append(mismatch(name, properties[name], raw[name], str(exc)))
            else:
                unknown = list(closed.unknown(raw[name], properties[name], name))
                problems += names("unknown", unknown) if unknown else ()
        return _fitting(raw, values, problems)


@attrs.frozen
class DeclaredArguments:
    """Checks against a schema written by hand.

    Checked are: that it is an object, that required names are there, also those without which
    Python would not call the handler, that no name is unknown, and each value against its
    property's schema, see `SchemaCheck`. A property without a type has the one that the handler's
    annotation says, if that is ``int``, ``float``, ``bool`` or ``str``. Names beyond the
    properties pass only if additionalProperties is written to allow them and the handler has
    ``**kwargs``.
    """

    schema: Mapping[str, Any]
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    is_open: bool

    @classmethod
    def of(cls, schema: Mapping[str, Any], signature: Signature) -> DeclaredArguments:
        required = {
            **dict.fromkeys(schema.get("required", ())),
            **dict.fromkeys(signature.required()),
        }
        is_open = schema.get("additionalProperties", False) is not False and signature.keywords
        properties = {
            name: _with_type(each, signature.parameters.get(name))
            for name, each in schema.get("properties", {}).items()
        }
        return cls(schema, properties, tuple(required), is_open)

    def read(self, text: str) -> Arguments:
        raw = parse(text)
        allowed = raw if self.is_open else self.properties
        problems = _wrong_names(raw, self.required, allowed) + list(self._mismatches(raw))
        return _fitting(raw, raw, problems)

    def _mismatches(self, raw: Mapping[str, Any]) -> Iterator[str]:
        check, others = SchemaCheck(self.schema), self.schema.get("additionalProperties", True)
        for name, value in raw.items():
            yield from check.misfits(self.properties.get(name, others), value, name)


@attrs.frozen
class ClosedObjects:
    """Finds names in objects that their schemas, closed ones, do not have.

    Names that a model made up, at any depth: classes read by msgspec would ignore them.
    """

    definitions: Mapping[str, Any]

    def unknown(self, value: Any, schema: Any, at: str) -> Iterator[str]:
        """The paths, from *at* on, of the unknown names in *value*."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            yield from self._of_best_branch(value, schema["anyOf"], at)
        elif isinstance(value, list):
            yield from self._in_list(value, schema, at)
        elif isinstance(value, dict):
            yield from self._in_object(value, schema, at)

    def _of_best_branch(self, value: Any, branches: list[Any], at: str) -> list[str]:
        """The value was decoded by one of *branches*: by the one that knows most of its names."""
        fitting = [each for each in branches if has_type(self._resolved(each), value)]
        every = [list(self.unknown(value, each, at)) for each in fitting]
        return min(every, key=len, default=[])

    def _in_list(self, value: list[Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
        first = schema.get("prefixItems", ())
        pairs = zip_longest(value, first[: len(value)], fillvalue=schema.get("items"))
        for index, (each, within) in enumerate(pairs):
            yield from self.unknown(each, within, f"{at}[{index}]")

    def _in_object(
        self, value: dict[str, Any], schema: Mapping[str, Any], at: str
    ) -> Iterator[str]:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, each in value.items():
            if name not in properties and others is False:
                yield f"{at}.{name}"
            else:
                yield from self.unknown(each, properties.get(name, others), f"{at}.{name}")

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        if not isinstance(schema, Mapping):
            return {}
        target = schema.get("$ref")
        return self.definitions[target.removeprefix("#/$defs/")] if target else schema


def reader_of(
    tool: str, handler: Callable[..., Any], schema: Mapping[str, Any]
) -> TypedArguments | DeclaredArguments:
    """The reader for *handler* and its *schema*.

    Raises ToolSchemaError if arguments that fit *schema* could not be passed to *handler*.
    """
    if isinstance(schema, SignatureSchema):
        return TypedArguments(schema)
    signature = signature_of(tool, handler)
    _check_passable(tool, schema, signature)
    return DeclaredArguments.of(schema, signature)


def open_reader(schema: Mapping[str, Any]) -> DeclaredArguments:
    """The reader where no signature has a say: a web service, or a handler that takes a dict."""
    return DeclaredArguments.of(schema, Signature({}, keywords=True))


def parse(text: str) -> dict[str, Any]:
    """Read JSON *text*, empty for no arguments; InvalidArgumentsError if it is not an object."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as exc:
        raise InvalidArgumentsError(f"the arguments are not a JSON object: {exc}", {}) from exc
    if not isinstance(value, dict):
        raise InvalidArgumentsError("the arguments are not a JSON object", {})
    return value


def _wrong_names(
    raw: Mapping[str, Any], required: Iterable[str], allowed: Mapping[str, Any]
) -> list[str]:
    missing = [name for name in required if name not in raw]
    unknown = [name for name in raw if name not in allowed]
    if not missing and not unknown:
        return []
    return [*names("missing", missing), *names("unknown", unknown)]


def _fitting(raw: Mapping[str, Any], values: Mapping[str, Any], problems: list[str]) -> Arguments:
    if problems:
        raise InvalidArgumentsError(f"the arguments do not fit: {'; '.join(problems)}", raw)
    return Arguments(raw, values)


def _with_type(schema: Any, parameter: inspect.Parameter | None) -> Any:
    """*schema*, with the type of the handler's annotation where it says none itself."""
    if parameter is None or not isinstance(schema, Mapping) or schema.keys() & _SAYS_WHAT:
        return schema
    for each, kind in _KINDS:
        # Not evaluated: with `from __future__ import annotations` they are text.
        if parameter.annotation is each or parameter.annotation == each.__name__:
            return {**schema, "type": [kind, "null"] if parameter.default is None else kind}
    return schema


def _check_passable(tool: str, schema: Mapping[str, Any], signature: Signature) -> None:
    properties = schema.get("properties", {})
    for name in signature.required():
        if name not in properties and not schema.get("additionalProperties"):
            raise bad_tool(
                tool,
                f"its handler needs {name!r}, which its parameters do not declare",
                f"declare {name!r}, or give it a default",
            )
    for name in properties:
        if name not in signature.parameters and not signature.keywords:
            raise bad_tool(
                tool,
                f"its parameters declare {name!r}, which its handler does not take",
                f"add {name!r} to the handler's signature, or **kwargs",
            )
