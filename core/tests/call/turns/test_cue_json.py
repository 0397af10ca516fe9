"""A record holds cues and effects exactly, and steps again to the same effects."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call import cues as c
from patter.call.cue_json import (
    cue_from_data,
    cue_to_data,
    effects_from_data,
    effects_to_data,
    replay,
    rules_from_data,
    rules_to_data,
)
from patter.call.floor import Rules, State
from patter.call.turns import NOTED, step
from patter.errors import InputError, PatterConfigError

from .effort import tries
from .explore import VARIANTS, alphabet

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-1, 2**53 - 1)
rules = st.builds(
    Rules,
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
    "Rules": rules,
    "Kind": st.sampled_from(c.Kind),
}
EFFECTS = [
    kind
    for _, kind in sorted(vars(c).items())
    if isinstance(kind, type) and issubclass(kind, c.Effect) and kind is not c.Effect
]
NOTES = ["false_interruption", "backchannel", "stalled", "empty_reply", "reply_failed", "tones"]


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of *kind*, every field drawn by its declared type."""
    fields = {
        field.name: st.sampled_from(NOTES) if "Literal" in field.type else BY_TYPE[field.type]
        for field in attrs.fields(kind)
    }
    return st.builds(kind, **fields)


def through_json(data: Any) -> Any:
    return orjson.loads(orjson.dumps(data))


@pytest.mark.parametrize("kind", sorted(NOTED, key=str))
@tries(quick=20, nightly=2_000)
@given(data=st.data())
def test_every_cue_comes_back_as_it_was(kind: type[c.Event], data: st.DataObject) -> None:
    event = data.draw(any_of(kind))
    assert cue_from_data(through_json(cue_to_data(event))) == event


@pytest.mark.parametrize("kind", EFFECTS)
@tries(quick=10, nightly=2_000)
@given(data=st.data())
def test_every_effect_comes_back_as_it_was(kind: type[c.Effect], data: st.DataObject) -> None:
    effects = tuple(data.draw(st.lists(any_of(kind), max_size=3)))
    written = effects_to_data(effects)
    assert through_json(written) == written, "JSON all the way down"
    assert effects_from_data(written) == effects


def test_every_kind_of_event_has_its_meaning() -> None:
    events = {
        kind for kind in vars(c).values() if isinstance(kind, type) and issubclass(kind, c.Event)
    }
    assert events - {c.Event} == set(NOTED)
    assert len(EFFECTS) >= 16


@tries(quick=30, nightly=2_000)
@given(rules)
def test_rules_come_back_as_they_were(given_rules: Rules) -> None:
    assert rules_from_data(through_json(rules_to_data(given_rules))) == given_rules


@tries(quick=40, nightly=5_000)
@given(st.sampled_from(sorted(VARIANTS)), st.integers(0, 2**32), rules)
def test_a_record_steps_again_to_the_same_effects(variant: str, seed: int, other: Rules) -> None:
    random, state, now, rows = Random(seed), State(VARIANTS[variant]), 0, []
    for word in range(40):
        now += random.choice((0, 20, 300, 900))
        events = [c.Connected(now), c.Reconfigure(now, other), *alphabet(state, now, word)]
        event = events[0] if word == 0 else random.choice(events)
        state, effects = step(state, event)
        rows.append({"cue": cue_to_data(event), "effects": effects_to_data(effects)})
    again = [
        effects_to_data(effects) for _, effects in replay(VARIANTS[variant], through_json(rows))
    ]
    assert again == [row["effects"] for row in rows]


def test_the_shape_is_the_documented_one() -> None:
    assert cue_to_data(c.Heard(900, 3)) == {"name": "Heard", "fields": {"at_ms": 900, "epoch": 3}}
    assert effects_to_data([c.Say(c.Kind.GOODBYE, 1, 2, "idle")]) == [
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
        cue_from_data(data)
    assert refused.value.fix


def test_what_is_no_effect_is_refused() -> None:
    with pytest.raises(InputError, match="no effect"):
        effects_from_data([{"name": "Say", "fields": {"kind": "nonsense"}}])


def test_rules_that_cannot_hold_are_not_read() -> None:
    with pytest.raises(PatterConfigError):
        rules_from_data({"silence_ms": -3})
