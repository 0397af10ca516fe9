"""One step in progress: the state so far, its timers, and the effects it has brought about.

The only place where a state is replaced and an effect is written down.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from patter.call import cues as c
from patter.call.floor import State


class Ledger:
    """Everything one step changes; `result` closes it."""

    def __init__(self, state: State, now: int) -> None:
        self.state, self.now = state, now
        self.timers = dict(state.timers)
        self.effects: list[c.Effect] = []
        self._before = dict(state.timers)

    def set(self, **changes: Any) -> None:
        """Go on from a state with these fields."""
        self.state = evolve(self.state, **changes)

    def emit(self, effect: c.Effect) -> None:
        """Ask for *effect*, after what was asked for before."""
        self.effects.append(effect)

    def arm(self, name: str, after_ms: int) -> None:
        """Let timer *name* fire *after_ms* from now, whatever it was set to."""
        self.timers[name] = self.now + after_ms

    def disarm(self, *names: str) -> None:
        """Let these timers not fire."""
        for name in names:
            self.timers.pop(name, None)

    def take_due(self, name: str) -> bool:
        """Was timer *name* running and is it due? Then it is used up."""
        if self.timers.get(name, self.now + 1) > self.now:
            return False
        del self.timers[name], self._before[name]
        return True

    def result(self) -> tuple[State, c.Effects]:
        """The next state, and all effects; those on timers are the difference to before."""
        before, timers = self._before, self.timers
        if timers != before:
            stopped = [c.StopTimer(name) for name in sorted(before.keys() - timers.keys())]
            changed = sorted(timers.items() - before.items())
            self.effects += [*stopped, *(c.StartTimer(name, at_ms) for name, at_ms in changed)]
        running = frozenset(timers.items())
        if running != self.state.timers:
            self.set(timers=running)
        return self.state, tuple(self.effects)
