"""The turn engine under every short and many long sequences of events."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.turn.effects import EndCall, Say, StartTimer, Think
from patter.call.turn.engine import step
from patter.call.turn.events import CallerHungUp, EndRequested, TimerFired
from patter.call.turn.state import Phase, TurnState

from .effort import is_nightly, tries
from .explore import VARIANTS, alphabet, connected, explore, walk
from .watch import check_step, silence_ends

DEPTH = 5 if is_nightly() else 3
WALKS = 100_000 if is_nightly() else 500
variants = st.sampled_from(sorted(VARIANTS))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_short_sequence_keeps_every_promise(variant: str) -> None:
    tally = explore(VARIANTS[variant], DEPTH)
    assert tally.states > 1_000
    assert len(tally.effects) >= 14


def test_no_random_walk_breaks_a_promise_or_ends_in_dead_air() -> None:
    names = sorted(VARIANTS)
    for seed in range(WALKS):
        random = Random(seed)
        variant = random.choice(names)
        try:
            walk(VARIANTS[variant], random, length=30)
        except AssertionError as error:
            raise AssertionError(f"walk {seed} with {variant!r}: {error}") from error


@tries(quick=60, nightly=5_000)
@given(variants, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 900)), max_size=60))
def test_the_same_step_again_gives_the_same(variant: str, moves: list[tuple[int, int]]) -> None:
    now, state = 0, connected(VARIANTS[variant])
    for word, (choice, wait_ms) in enumerate(moves):
        now += wait_ms
        due = sorted((at_ms, name) for name, at_ms in state.timers if at_ms <= now)
        letters = list(alphabet(state, now, word))
        for event in [
            *(TimerFired(now, name) for _, name in due),
            letters[choice % len(letters)],
        ]:
            after, effects = step(state, event)
            check_step(state, event, effects, after)
            assert (after, effects) == step(state, event)
            now, state = max(now, event.at_ms), after
    assert silence_ends(state, now)


@tries(quick=60, nightly=5_000)
@given(variants, st.data())
def test_a_hang_up_leaves_nothing_to_do(variant: str, data: st.DataObject) -> None:
    state = connected(VARIANTS[variant])
    for word in range(data.draw(st.integers(0, 12))):
        letters = list(alphabet(state, 0, word))
        state, _ = step(state, data.draw(st.sampled_from(letters)))
    state, effects = step(state, CallerHungUp(10**9))
    assert state.phase is Phase.OVER
    assert not state.timers
    assert not any(isinstance(e, Think | Say | EndCall | StartTimer) for e in effects)


def test_a_timer_that_was_moved_does_not_fire() -> None:
    state = connected(VARIANTS["default"])
    [limit_ms] = [at_ms for name, at_ms in state.timers if name == "limit"]
    assert step(state, TimerFired(limit_ms - 1, "limit")) == (state, ())
    assert step(state, TimerFired(limit_ms, "nobody")) == (state, ())


def test_a_call_that_has_not_begun_only_begins_or_ends() -> None:
    ringing = TurnState()
    for event in alphabet(ringing, 0, 0):
        after, effects = step(ringing, event)
        if not isinstance(event, EndRequested | CallerHungUp):
            assert (after, effects) == (ringing, ())
