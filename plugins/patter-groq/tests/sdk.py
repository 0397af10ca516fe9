"""What the vendor's SDK says of a message: is it of its types, and nothing unknown in it?"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

_CLOSED: dict[Any, Any] = {}


def closed(kind: Any) -> Any:
    """*kind*, in which no model takes fields that it does not have."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in _CLOSED:
            _CLOSED[kind] = kind  # models that hold themselves
            inner: Any = {
                name: (closed(field.annotation), field) for name, field in kind.model_fields.items()
            }
            config = {"model_config": ConfigDict(extra="forbid"), "__module__": __name__}
            strict = type(kind.__name__, (kind,), config)
            _CLOSED[kind] = create_model(kind.__name__, __base__=strict, **inner)
        return _CLOSED[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if not arguments or getattr(origin, "__name__", "") == "Literal":
        return kind
    if getattr(kind, "__metadata__", None):
        return closed(arguments[0])
    new = tuple(closed(each) for each in arguments)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[new]  # noqa: UP007
    return origin[new] if origin in (list, dict, tuple) else kind


def parses(kind: Any, messages: Iterable[Any]) -> None:
    """Fail unless each of *messages* is a *kind* of the SDK's, nothing unknown in it."""
    adapter: Any = TypeAdapter(closed(kind))
    for message in messages:
        adapter.validate_python(message)


def accepted(kind: Any, value: Any) -> None:
    """Fail unless *value* is of the typed dict *kind*, at every depth, nothing unknown in it."""
    adapter: Any = TypeAdapter(kind, config=None)
    adapter.validate_python(value, strict=False, extra="forbid")
