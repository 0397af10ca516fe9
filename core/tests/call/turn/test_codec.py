"""A record holds cues and effects exactly, and steps again to the same effects."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.turn import effects as effect_classes
from patter.call.turn import events as event_classes
from patter.call.turn.codec import (
    effects_from_data,
    effects_to_data,
    event_from_data,
    event_to_data,
    replay,
    rules_from_data,
    rules_to_data,
)
from patter.call.turn.effects import DigitsCollected, Effect, Say
from patter.call.turn.engine import HANDLERS, step
from patter.call.turn.events import Connected, Digit, Heard, RulesChanged, TurnEvent, UtteranceKind
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import TurnState
from patter.errors import InputError, PatterConfigError

from .effort import tries
from .explore import VARIANTS, alphabet

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-1, 2**53 - 1)
rules = st.builds(
    TurnRules,
    silence_ms=st.integers(1, 5_000),
    max_hold_ms=st.integers(5_000, 9_000),
    idle_ms=st.lists(st.integers(1, 9_000), max_size=4).map(tuple),
    speculate=st.booleans(),
    voicemail=st.sampled_from(["ignore", "hang_up", "message"]),
    digit_end=words,
)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "int": numbers,
    "int | None": st.none() | numbers,
    "str": words,
    "bool": st.booleans(),
    "TurnRules": rules,
    "UtteranceKind": st.sampled_from(UtteranceKind),
}
EFFECTS = [
    kind
    for _, kind in sorted(vars(effect_classes).items())
    if isinstance(kind, type) and issubclass(kind, Effect) and kind is not Effect
]
NOTES = ["false_interruption", "backchannel", "stalled", "empty_reply", "reply_failed", "tones"]


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of *kind*, every field drawn by its declared type."""
    declared = [vars(each).get("__annotations__", {}) for each in reversed(kind.__mro__)]
    fields = {
        name: st.sampled_from(NOTES) if "Literal" in annotation else BY_TYPE[annotation]
        for annotations in declared
        for name, annotation in annotations.items()
        if name in kind.__struct_fields__
    }
    return st.builds(kind, **fields)


def through_json(data: Any) -> Any:
    return orjson.loads(orjson.dumps(data))


@pytest.mark.parametrize("kind", sorted(HANDLERS, key=str))
@tries(quick=20, nightly=2_000)
@given(data=st.data())
def test_every_cue_comes_back_as_it_was(kind: type[TurnEvent], data: st.DataObject) -> None:
    event = data.draw(any_of(kind))
    assert event_from_data(through_json(event_to_data(event))) == event


@pytest.mark.parametrize("kind", EFFECTS)
@tries(quick=10, nightly=2_000)
@given(data=st.data())
def test_every_effect_comes_back_as_it_was(kind: type[Effect], data: st.DataObject) -> None:
    effects = tuple(data.draw(st.lists(any_of(kind), max_size=3)))
    written = effects_to_data(effects)
    assert through_json(written) == written, "JSON all the way down"
    assert effects_from_data(written) == effects


def test_every_kind_of_event_has_its_meaning() -> None:
    events = {
        kind
        for kind in vars(event_classes).values()
        if isinstance(kind, type) and issubclass(kind, TurnEvent)
    }
    assert events - {TurnEvent} == set(HANDLERS)
    assert len(EFFECTS) >= 16


@tries(quick=30, nightly=2_000)
@given(rules)
def test_rules_come_back_as_they_were(given_rules: TurnRules) -> None:
    assert rules_from_data(through_json(rules_to_data(given_rules))) == given_rules


@tries(quick=40, nightly=5_000)
@given(st.sampled_from(sorted(VARIANTS)), st.integers(0, 2**32), rules)
def test_a_record_steps_again_to_the_same_effects(
    variant: str, seed: int, other: TurnRules
) -> None:
    random, state, now, rows = Random(seed), TurnState(VARIANTS[variant]), 0, []
    for word in range(40):
        now += random.choice((0, 20, 300, 900))
        events = [Connected(now), RulesChanged(now, other), *alphabet(state, now, word)]
        event = events[0] if word == 0 else random.choice(events)
        state, effects = step(state, event)
        rows.append({"input": event_to_data(event), "effects": effects_to_data(effects)})
    again = [
        effects_to_data(effects) for _, effects in replay(VARIANTS[variant], through_json(rows))
    ]
    assert again == [row["effects"] for row in rows]


def test_the_shape_is_the_documented_one() -> None:
    assert event_to_data(Heard(900, 3)) == {"name": "Heard", "fields": {"at_ms": 900, "epoch": 3}}
    assert effects_to_data([Say(UtteranceKind.GOODBYE, 1, 2, "idle")]) == [
        {"name": "Say", "fields": {"kind": "goodbye", "turn": 1, "epoch": 2, "detail": "idle"}}
    ]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "Heard"},
        {"name": "Heard", "fields": None},
        {"name": "Heard", "fields": {"at_ms": 1}},
        {"name": "Heard", "fields": {"at_ms": 1, "epoch": 2, "colour": 3}},
        {"name": "Hangup", "fields": {"reason": "an effect"}},
        {"name": "Reconfigure", "fields": {"at_ms": 1, "rules": {"patience": 3}}},
        {"name": "Reconfigure", "fields": {"at_ms": 1, "rules": {"silence_ms": -3}}},
    ],
)
def test_what_is_no_cue_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        event_from_data(data)
    assert refused.value.fix


def test_what_is_no_effect_is_refused() -> None:
    with pytest.raises(InputError, match="not an effect"):
        effects_from_data([{"name": "Say", "fields": {"kind": "nonsense"}}])


def test_rules_that_cannot_hold_are_not_read() -> None:
    with pytest.raises(PatterConfigError):
        rules_from_data({"silence_ms": -3})


def test_keys_are_in_no_text_that_is_made_of_a_value() -> None:
    for value in (Digit(100, "7"), DigitsCollected("777", True)):
        assert "7" not in repr(value)
        assert type(value).__name__ in repr(value)
