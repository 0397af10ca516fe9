"""What one step asks of the timers, in an order that another process has too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.turn.effects import StartTimer, StopTimer
from patter.call.turn.state import TurnState
from patter.call.turn.transition import Transition

NAMES = ("closing", "digits", "endpoint", "hold", "idle", "limit", "stall", "tool", "voice")


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_timers_are_stopped_then_started_each_by_name(before: set[str], after: set[str]) -> None:
    """Sets of texts have another order in every process; a record must not."""
    tx = Transition(TurnState(timers=frozenset((name, 500) for name in before)), 100)
    tx.disarm(*before)
    for name in after:
        tx.arm(name, 900)
    _, effects = tx.result()
    assert effects == (
        *(StopTimer(name) for name in sorted(before - after)),
        *(StartTimer(name, 1_000) for name in sorted(after)),
    )
