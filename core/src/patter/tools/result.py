"""What a model reads of a handler's result: total, so that what has run is never a failure. Pure.

Text stays as it is, anything else becomes JSON. Whatever JSON has no words for is described, and
what is too long, too deep or refers to itself is cut there.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import Enum
from typing import Any

import attrs

from patter.errors import InternalError
from patter.safe_text import without_secrets
from patter.tools.refusals import REASON_LIMIT, bounded

LIMIT, DEPTH = 32_000, 24
"""Characters of a result, of which a model reads some 8 000 tokens; levels of nesting."""
# Python refuses to write integers of more than 4300 digits down.
_HUGE = 10**4_000


def as_text(result: object) -> str:
    """What the model reads of *result*: valid JSON, or the text it is. Never raises."""
    try:
        if isinstance(result, str):
            return _cut(_clean(result))
        return json.dumps(_Writer().value(result, 0), ensure_ascii=False, separators=(",", ":"))
    except BaseException:  # a class may raise anything when it is looked at
        return json.dumps(f"done; its result, {_article(_name(result))}, cannot be written down")


def reason_text(raised: BaseException) -> str:
    """What *raised* says, or its name when it says nothing, or raises itself. Never raises."""
    try:
        words = raised.message if isinstance(raised, InternalError) else str(raised)
        return bounded(without_secrets(_clean(words)), REASON_LIMIT) or type(raised).__name__
    except BaseException:  # the class of an exception may do so too
        return type(raised).__name__


@attrs.define
class _Writer:
    """Makes plain values of one result, of at most so many characters altogether."""

    left: int = LIMIT
    _path: set[int] = attrs.field(factory=set)

    def value(self, value: Any, depth: int) -> Any:
        """*value* as JSON knows it."""
        self.left -= 2
        try:
            value = value.value if isinstance(value, Enum) else value
            plain = _plain(value)
            if plain is not _OTHER:
                return self._scalar(plain)
            return self._container(value, depth)
        except RecursionError:
            return "…"
        except BaseException:
            return _described(value)

    def _scalar(self, plain: Any) -> Any:
        if isinstance(plain, str):
            short = plain if len(plain) <= max(self.left, 0) else f"{plain[: max(self.left, 0)]}…"
            self.left -= len(short)
            return short
        self.left -= len(str(plain))
        return plain

    def _container(self, value: Any, depth: int) -> Any:
        if id(value) in self._path:
            return "(the same object again)"
        if depth >= DEPTH:
            return "…"
        self._path.add(id(value))
        try:
            fields = _fields(value)
            if fields is not None:
                return self._object(fields, depth)
            if isinstance(value, (Sequence, Set)) or _is_view(value):
                return self._array(value, depth)
            return self._scalar(_clean(str(value)))
        finally:
            self._path.discard(id(value))

    def _object(self, fields: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in fields:
            if self.left <= 0:
                made["…"] = "cut"
                break
            name = self._key(key)
            while name in made:
                name += "'"
            made[name] = self.value(value, depth + 1)
        return made

    def _array(self, items: Iterable[Any], depth: int) -> list[Any]:
        made: list[Any] = []
        for item in items:
            if self.left <= 0:
                made.append("… cut")
                break
            made.append(self.value(item, depth + 1))
        return made

    def _key(self, key: Any) -> str:
        plain = self.value(key, DEPTH - 2)
        if isinstance(plain, str):
            return plain
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


_OTHER: Any = object()


def _plain(value: Any) -> Any:
    """A value that JSON has a word for, or `_OTHER`."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, numbers.Number):
        return _number(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _binary(bytes(value))
    return _OTHER


def _number(value: Any) -> Any:
    if isinstance(value, numbers.Integral):
        number = int(value)
        return number if abs(number) < _HUGE else f"an integer of {number.bit_length()} bits"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        real = float(value)
        return real if math.isfinite(real) else None
    return _clean(str(value))


def _binary(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"{len(value)} bytes of binary data"


def _fields(value: Any) -> Iterator[tuple[Any, Any]] | None:
    """The names and values of a mapping or of an object that declares its fields."""
    if isinstance(value, Mapping):
        return iter(value.items())
    names = _field_names(value)
    if names is None:
        return None
    return ((name, _attribute(value, name)) for name in names)


def _field_names(value: Any) -> Iterable[str] | None:
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return [each.name for each in dataclasses.fields(kind)]
    if attrs.has(kind):
        return [each.name for each in attrs.fields(kind)]
    # msgspec, pydantic and named tuples: each says what its fields are.
    for name in ("__struct_fields__", "model_fields", "_fields"):
        names = getattr(kind, name, None)
        if isinstance(names, (tuple, Mapping)):
            return list(names)
    return None


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception as exc:
        return f"({type(exc).__name__})"


def _is_view(value: Any) -> bool:
    """What is counted like a list without being one: a deque, the values of a dict."""
    return isinstance(value, Iterable) and hasattr(type(value), "__len__")


def _described(value: Any) -> str:
    return f"({_article(_name(value))})"


def _name(value: Any) -> str:
    return _clean(str(type(value).__name__))


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _clean(text: str) -> str:
    plain = str.__str__(text)
    try:
        plain.encode()
    except UnicodeEncodeError:
        return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return plain


def _cut(text: str) -> str:
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}… (cut: the first {LIMIT} of {len(text)} characters)"
