"""Events and effects of the turn engine as JSON, so that a record can be replayed.

Pure, and exact: what is read back equals what was written. A value is written as
``{"name": "Heard", "fields": {"at_ms": 900, "epoch": 3}}``, as the `step` events hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from patter.call.turn import effects as effect_classes
from patter.call.turn.effects import Effect, Effects
from patter.call.turn.engine import HANDLERS, step
from patter.call.turn.events import TurnEvent, UtteranceKind
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import TurnState
from patter.errors import InputError

T = TypeVar("T")

_EVENTS: Mapping[str, type[TurnEvent]] = MappingProxyType(
    {kind.__name__: kind for kind in HANDLERS}
)
_EFFECTS: Mapping[str, type[Effect]] = MappingProxyType(
    {
        name: kind
        for name, kind in vars(effect_classes).items()
        if isinstance(kind, type) and issubclass(kind, Effect) and kind is not Effect
    }
)
_READ: Mapping[str, Any] = MappingProxyType(
    {"kind": UtteranceKind, "rules": lambda data: rules_from_data(data)}
)
"""How the fields are read that JSON has no type for."""


def event_to_data(event: TurnEvent) -> dict[str, Any]:
    """*event* as JSON types."""
    return _to_data(event)


def event_from_data(data: Mapping[str, Any]) -> TurnEvent:
    """Read one event. Raises InputError when *data* is not one."""
    return _from_data(data, _EVENTS)


def effects_to_data(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    """*effects*, in order, as JSON types."""
    return [_to_data(effect) for effect in effects]


def effects_from_data(data: Iterable[Mapping[str, Any]]) -> Effects:
    """Read what `effects_to_data` wrote. Raises InputError when *data* is something else."""
    return tuple(_from_data(entry, _EFFECTS) for entry in data)


def rules_to_data(rules: TurnRules) -> dict[str, Any]:
    """*rules* as JSON types."""
    names = [field.name for field in attrs.fields(TurnRules)]
    return {name: _to_json(getattr(rules, name)) for name in names}


def rules_from_data(data: Mapping[str, Any]) -> TurnRules:
    """Read rules. Raises InputError for an unknown name, PatterConfigError for a bad value."""
    try:
        return TurnRules(**data)
    except TypeError as error:
        raise InputError(
            f"these are not turn rules: {error}",
            fix="read the record with the version of patter that wrote it",
        ) from error


def replay(
    rules: TurnRules, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[TurnEvent, Effects]]:
    """Step a record again: each of *rows* is the data of a `step` event, in order.

    Yields each event with the effects it has now. They equal the row's own effects, since the
    engine is pure; a difference means that the state was changed outside `step`.
    """
    state = TurnState(rules)
    for row in rows:
        event = event_from_data(row["input"])
        state, effects = step(state, event)
        yield event, effects


def _to_data(value: TurnEvent | Effect) -> dict[str, Any]:
    fields = {name: _to_json(getattr(value, name)) for name in value.__struct_fields__}
    return {"name": type(value).__name__, "fields": fields}


def _to_json(value: Any) -> Any:
    """*value* as JSON has it; times and counts stay whole numbers, texts stay texts."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, TurnRules):
        return rules_to_data(value)
    return list(value) if isinstance(value, tuple) else value


def _from_data(data: Mapping[str, Any], classes: Mapping[str, type[T]]) -> T:
    try:
        kind = classes[data["name"]]
        fields = {
            name: _READ[name](raw) if name in _READ else raw for name, raw in data["fields"].items()
        }
        return kind(**fields)
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = "event" if classes is _EVENTS else "effect"
        raise InputError(
            f"{data!r:.200} is not an {what} of the turn engine",
            fix="read the record with the version of patter that wrote it",
        ) from error
