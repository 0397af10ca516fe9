"""The one owner of a call's turn state: events in, one at a time; effects performed in order.

`post` is synchronous, so from an event to its effects there is no queue and no task switch. Events
posted while effects are performed wait until that step is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from patter.call.sensitive import note_effects, note_event
from patter.call.turn.codec import effects_to_data, event_to_data
from patter.call.turn.effects import Cut, Effect, StartTimer, StopTimer
from patter.call.turn.engine import step
from patter.call.turn.events import TimerFired, TurnEvent
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import Phase, TurnState
from patter.clock import CallClock, Timer
from patter.observe.call_events import CallEvents
from patter.observe.events import EngineStep

Performer = Callable[[Any], None]


@attrs.define(eq=False)
class TurnDriver:
    """Steps the engine and performs what it asks for.

    *performers*: what to call for each type of effect; timers are handled here. *on_phase* is
    called with each new phase and the event that led to it. *on_failure* is called with what a
    performer raised, because nobody awaits `post`.
    """

    rules: TurnRules
    clock: CallClock
    events: CallEvents
    performers: Mapping[type[Effect], Performer]
    on_phase: Callable[[Phase, TurnEvent], None]
    on_failure: Callable[[Exception], None]
    state: TurnState = attrs.field(init=False)
    event: TurnEvent | None = attrs.field(default=None, init=False)
    _waiting: deque[TurnEvent] = attrs.field(factory=deque, init=False)
    _timers: dict[str, Timer] = attrs.field(factory=dict, init=False)
    _stepping: bool = attrs.field(default=False, init=False)
    _stopped: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.state = TurnState(self.rules)

    def post(self, event: TurnEvent) -> None:
        """Step the engine with *event* and perform its effects, unless stopped."""
        if self._stopped:
            return
        self._waiting.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._waiting:
                self._step(self._waiting.popleft())
        except Exception as broken:
            self.on_failure(broken)
        finally:
            self._stepping = False

    def stop(self) -> None:
        """Cancel the timers and ignore every further event."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _step(self, event: TurnEvent) -> None:
        before = self.state.phase
        self.event = event
        if self.events.sensitivity.used:
            note_event(self.events.sensitivity, event, self.state.epoch)
        self.state, effects = step(self.state, event)
        if any(isinstance(effect, Cut) for effect in effects):
            # Listeners must not delay the clear; the sender releases the events after it.
            self.events.hold()
        if self.events.sensitivity.used:
            note_effects(self.events.sensitivity, effects)
        if before is not Phase.OVER:
            build = partial(_engine_step, event, effects)
            self.events.emit_if_wanted(EngineStep, build, event.at_ms)
        for effect in effects:
            self._perform(effect)
        if self.state.phase is not before:
            self.on_phase(self.state.phase, event)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case StartTimer(name, at_ms):
                self._stop_timer(name)
                self._timers[name] = self.clock.at(at_ms, lambda: self._due(name))
            case StopTimer(name):
                self._stop_timer(name)
            case _:
                self.performers[type(effect)](effect)

    def _stop_timer(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def _due(self, name: str) -> None:
        self._timers.pop(name, None)
        due = dict(self.state.timers).get(name, 0)
        self.post(TimerFired(max(self.clock.now_ms(), due), name))


def _engine_step(event: TurnEvent, effects: Iterable[Effect]) -> EngineStep:
    return EngineStep(input=event_to_data(event), effects=effects_to_data(effects))
