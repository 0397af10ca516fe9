"""Annotations as a model sees them and as its arguments are read: JSON schemas and decoders.

Only here is msgspec imported, and only once a tool is made. pydantic's models take part where
the application has imported pydantic: nothing here does.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

import orjson

Schema: TypeAlias = dict[str, Any]
Decode: TypeAlias = Callable[[Any], Any]
PYDANTIC_PROBLEMS = 3
_FOREIGN = ("pydantic", "annotated_types")


class UnsupportedAnnotationError(TypeError):
    """JSON, or msgspec, cannot express an annotation."""


def decoder_of(hint: Any) -> Decode:
    """Make what reads JSON as *hint*.

    It raises ValueError for what does not fit; a class of the application may raise anything
    else from its own checks. Raises UnsupportedAnnotationError.
    """
    import msgspec

    try:
        decoder = msgspec.json.Decoder(with_descriptions(hint), dec_hook=_validated)
    except (TypeError, NameError, AttributeError, RecursionError) as exc:
        raise UnsupportedAnnotationError(_last_line(exc)) from exc

    def decode(text: Any) -> Any:
        try:
            return decoder.decode(text)
        except msgspec.DecodeError as exc:
            raise ValueError(str(exc)) from exc
        except RecursionError as exc:
            raise ValueError("nested too deeply") from exc

    return decode


def raw_values(text: str) -> Mapping[str, Any]:
    """Split the object *text*, which is JSON, into its values as they are written."""
    import msgspec

    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])


def schemas_of(hints: Sequence[Any]) -> tuple[tuple[Schema, ...], Mapping[str, Schema]]:
    """The JSON schema of each of *hints*, with ``$ref`` into the definitions that come along.

    Raises UnsupportedAnnotationError.
    """
    from msgspec.json import schema_components

    models: dict[str, Schema] = {}
    try:
        schemas, classes = schema_components(
            [with_descriptions(hint) for hint in hints],
            schema_hook=functools.partial(_model_schema, definitions=models),
            ref_template="#/$defs/{name}",
        )
    except (TypeError, NameError, AttributeError, RecursionError) as exc:
        raise UnsupportedAnnotationError(_last_line(exc)) from exc
    return schemas, {**models, **{name: _closed(each) for name, each in classes.items()}}


def encoded(value: Any) -> bytes | None:
    """*value* as JSON; None where JSON has no words for it."""
    import msgspec

    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return None


def with_descriptions(hint: Any) -> Any:
    """Make plain strings in ``Annotated`` descriptions, down through unions and containers.

    Raises UnsupportedAnnotationError for constraints of pydantic: msgspec would not check them.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        inner, *metadata = args
        return Annotated[(with_descriptions(inner), *map(_metadata, metadata))]
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, map(with_descriptions, args))
    if not isinstance(origin, type):
        return hint
    inside = tuple(map(with_descriptions, args))
    return hint if inside == args else origin[inside]  # type: ignore[index]


def model_of(kind: Any) -> Any:
    """*kind* if it is a pydantic model, else None."""
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not isinstance(kind, type):
        return None
    return kind if issubclass(kind, pydantic.BaseModel) else None


def _metadata(metadata: Any) -> Any:
    from msgspec import Meta

    if isinstance(metadata, str):
        return Meta(description=metadata)
    if type(metadata).__module__.partition(".")[0] in _FOREIGN:
        raise UnsupportedAnnotationError(
            f"{type(metadata).__name__} is checked in pydantic models only; use msgspec.Meta"
        )
    return metadata


def _closed(schema: Schema) -> Schema:
    """A class takes the names it has and no others; its own name tells a model nothing."""
    kept = {name: value for name, value in schema.items() if name != "title"}
    return {**kept, "additionalProperties": False} if "properties" in kept else kept


def _model_schema(kind: Any, definitions: dict[str, Schema]) -> Schema:
    """pydantic's own schema; a number keeps apart what two models define by one name."""
    model = model_of(kind)
    if model is None:
        raise TypeError(f"{getattr(kind, '__name__', kind)} has no JSON schema")
    prefix = f"{model.__name__}{len(definitions) or ''}."
    schema: Schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    inner = schema.pop("$defs", {})
    definitions.update({prefix + name: each for name, each in inner.items()})
    return schema


def _validated(kind: Any, value: Any) -> Any:
    """Validate as pydantic reads JSON in strict mode: "2" is not an int, a date is a string."""
    model = model_of(kind)
    if model is None:
        raise NotImplementedError(f"{kind!r} is not a pydantic model")
    try:
        return model.model_validate_json(orjson.dumps(value), strict=True)
    except sys.modules["pydantic"].ValidationError as exc:
        raise ValueError(_problems(exc)) from exc


def _problems(error: Any) -> str:
    """pydantic's first problems on one line, without its links."""
    every = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in every]
    return "; ".join(lines[:PYDANTIC_PROBLEMS])


def _last_line(exc: BaseException) -> str:
    return (str(exc) or type(exc).__name__).rpartition("\n")[2]
