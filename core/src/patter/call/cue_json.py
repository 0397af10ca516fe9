"""Cues and effects as JSON, so that a record of them can be stepped again.

Pure, and exact: what is read back equals what was written. A value is written as
``{"name": "Heard", "fields": {"at_ms": 900, "epoch": 3}}``, as the `step` events hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from patter.call import cues as c
from patter.call.floor import Rules, State
from patter.call.turns import NOTED, step
from patter.errors import InputError

T = TypeVar("T")

_EVENTS: Mapping[str, type[c.Event]] = MappingProxyType({kind.__name__: kind for kind in NOTED})
_EFFECTS: Mapping[str, type[c.Effect]] = MappingProxyType(
    {
        name: kind
        for name, kind in vars(c).items()
        if isinstance(kind, type) and issubclass(kind, c.Effect) and kind is not c.Effect
    }
)
_READ: Mapping[str, Any] = MappingProxyType(
    {"kind": c.Kind, "rules": lambda data: rules_from_data(data)}
)
"""How the fields are read that JSON has no type for."""


def cue_to_data(event: c.Event) -> dict[str, Any]:
    """*event* as JSON types."""
    return _to_data(event)


def cue_from_data(data: Mapping[str, Any]) -> c.Event:
    """Read one cue. Raises InputError when *data* is none."""
    return _from_data(data, _EVENTS)


def effects_to_data(effects: Iterable[c.Effect]) -> list[dict[str, Any]]:
    """*effects*, in order, as JSON types."""
    return [_to_data(effect) for effect in effects]


def effects_from_data(data: Iterable[Mapping[str, Any]]) -> c.Effects:
    """Read what `effects_to_data` wrote. Raises InputError when *data* is something else."""
    return tuple(_from_data(entry, _EFFECTS) for entry in data)


def rules_to_data(rules: Rules) -> dict[str, Any]:
    """*rules* as JSON types."""
    return {name: _plain(value) for name, value in _fields(rules)}


def rules_from_data(data: Mapping[str, Any]) -> Rules:
    """Read rules. Raises InputError for an unknown name, PatterConfigError for a bad value."""
    try:
        return Rules(**data)
    except TypeError as error:
        raise InputError(
            f"these are no rules: {error}",
            fix="read the record with the version of patter that wrote it",
        ) from error


def replay(rules: Rules, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[c.Event, c.Effects]]:
    """Step a record again: each *row* is the data of a `step` event, in order.

    Yields each cue with the effects it has now. They equal the row's own effects, since the
    engine is pure; where they do not, something changed the state past it.
    """
    state = State(rules)
    for row in rows:
        event = cue_from_data(row["cue"])
        state, effects = step(state, event)
        yield event, effects


def _to_data(value: c.Event | c.Effect) -> dict[str, Any]:
    fields = {name: _plain(held) for name, held in _fields(value)}
    return {"name": type(value).__name__, "fields": fields}


def _fields(value: attrs.AttrsInstance) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(type(value)):
        yield field.name, getattr(value, field.name)


def _plain(value: Any) -> Any:
    """*value* as JSON has it; times and counts stay whole numbers, texts stay texts."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Rules):
        return rules_to_data(value)
    return list(value) if isinstance(value, tuple) else value


def _from_data(data: Mapping[str, Any], known: Mapping[str, type[T]]) -> T:
    try:
        kind = known[data["name"]]
        fields = {
            name: _READ[name](held) if name in _READ else held
            for name, held in data["fields"].items()
        }
        return kind(**fields)
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{data!r:.200} is no {'cue' if known is _EVENTS else 'effect'} of the turn engine",
            fix="read the record with the version of patter that wrote it",
        ) from error
