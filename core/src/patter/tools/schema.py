"""JSON schemas of handlers, and checks of schemas people write. Pure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from patter.tools.annotations import (
    Decode,
    Schema,
    UnsupportedAnnotationError,
    decoder_of,
    encoded,
    schemas_of,
)
from patter.tools.inlining import children, inline
from patter.tools.signature import Parameter, bad_tool, function_of, typed_parameters


class SignatureSchema(dict[str, Any]):
    """A schema read off a handler, and the decoders that belong to it."""

    decoders: Mapping[str, Decode]


def schema_of(tool: str, handler: Callable[..., Any]) -> SignatureSchema:
    """Read the object schema of *handler*'s parameters; the call context is left out.

    Raises ToolSchemaError for a signature that a model's arguments cannot fill.
    """
    parameters = typed_parameters(tool, handler)
    decoders = {each.name: _decoder(tool, each) for each in parameters}
    schemas, definitions = schemas_of([each.annotation for each in parameters])
    texts = argument_docs(_doc_with_arguments(handler))
    made = SignatureSchema(
        type="object",
        properties={
            each.name: _property(each, schema, decoders[each.name], texts.get(each.name, ""))
            for each, schema in zip(parameters, schemas, strict=True)
        },
        required=[each.name for each in parameters if each.required],
        additionalProperties=False,
    )
    made.update(inline(made, definitions))
    made.decoders = decoders
    return made


def _decoder(tool: str, parameter: Parameter) -> Decode:
    """The decoder of one parameter, so that what is refused has a name."""
    try:
        schemas_of([parameter.annotation])
        return decoder_of(parameter.annotation)
    except UnsupportedAnnotationError as exc:
        raise bad_tool(
            tool,
            f"{parameter.name!r} has a type that JSON cannot carry: {exc}",
            "use str, int, float, bool, Enum, Literal, list, dict, a dataclass or one of their "
            "kind; in a union, one such class at most",
        ) from exc


def _property(parameter: Parameter, schema: Schema, decode: Decode, text: str) -> Schema:
    """*schema* with its text and its default, where the model could send that default too."""
    made = {**schema, "description": text} if text and "description" not in schema else {**schema}
    default = None if parameter.required else encoded(parameter.default)
    if default is not None and _reads(decode, default):
        made["default"] = orjson.loads(default)
    return made


def _reads(decode: Decode, text: bytes) -> bool:
    """A default that does not fit its own annotation, as in ``day: str = None``, is not shown."""
    try:
        decode(text)
    except Exception:  # whatever a class of the application raises
        return False
    return True


def description_of(handler: Callable[..., Any]) -> str:
    """The first paragraph of the handler's docstring, on one line."""
    return " ".join((inspect.getdoc(function_of(handler)) or "").split("\n\n")[0].split())


def _doc_with_arguments(handler: Callable[..., Any]) -> str:
    """An object's ``__call__`` describes its arguments, unless its class does."""
    function = function_of(handler)
    doc = inspect.getdoc(function) or ""
    if inspect.isroutine(function) or argument_docs(doc):
        return doc
    return inspect.getdoc(type(function).__call__) or ""


def argument_docs(doc: str) -> dict[str, str]:
    """The ``Args:`` section of a docstring: name to text."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.M)
    entries = re.findall(
        r"^[ \t]+(\w+)[^:\n]*:[ \t]*(.+(?:\n[ \t]{6,}.+)*)", section[1] if section else "", re.M
    )
    return {name: " ".join(text.split()) for name, text in entries}


def check_schema(tool: str, schema: Mapping[str, Any], *, strict: bool) -> None:
    """Raise ToolSchemaError unless *schema* is an object schema vendors will take."""
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        raise bad_tool(
            tool, "parameters must be a schema of type object", 'start with {"type": "object"}'
        )
    for name in schema.get("required", ()):
        if name not in properties:
            raise bad_tool(
                tool, f"required {name!r} is not among its properties", f"declare {name!r}"
            )
    if strict:
        _check_strict(tool, schema)


def _check_strict(tool: str, schema: Any) -> None:
    """Strict mode wants closed objects with every property required, all the way down."""
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise bad_tool(
                tool, "strict needs additionalProperties: false", "add it to every object"
            )
        missing = set(schema.get("properties", {})) - set(schema.get("required", ()))
        if missing:
            raise bad_tool(tool, f"strict needs {sorted(missing)} required", "list every property")
    for child in children(schema):
        _check_strict(tool, child)
