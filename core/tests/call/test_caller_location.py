"""A caller is in one place at a time."""

from __future__ import annotations

from patter.call.transfer import CallerLocation, caller_location
from patter.call.turn.state import Phase


def test_the_end_wins_over_all_else_and_who_was_taken_does_not_come_back() -> None:
    for phase in Phase:
        assert caller_location(phase, taken=True, ended=True) is CallerLocation.ENDED
        assert caller_location(phase, taken=True, ended=False) is CallerLocation.HUMAN
    places = {phase: caller_location(phase, taken=False, ended=False) for phase in Phase}
    assert places.pop(Phase.AWAY) is CallerLocation.HOLD
    assert places.pop(Phase.OVER) is CallerLocation.ENDED
    assert set(places.values()) == {CallerLocation.AGENT}
