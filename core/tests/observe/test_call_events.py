"""The bus of a call: who is called with what, in which order, and what is not built at all."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.observe.call_events import HELD, CallEvents
from patter.observe.events import (
    CallEvent,
    EngineStep,
    ErrorEvent,
    Note,
    Row,
    Turn,
    event_class,
)


@attrs.define(eq=False)
class Clock:
    now: int = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


def bus() -> CallEvents:
    return CallEvents("c", Clock())


def note(text: str = "") -> Note:
    return Note(what="test", text=text)


class Turns:
    event_types = (Turn, Row)

    def __init__(self) -> None:
        self.seen: list[CallEvent] = []

    def __call__(self, event: CallEvent) -> None:
        self.seen.append(event)


def test_an_event_is_stamped_when_it_is_emitted() -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append)
    events.emit(note("one"))
    events.emit(note("two"), at_ms=70)
    assert seen == [
        Note(call="c", seq=1, at_ms=1, what="test", text="one"),
        Note(call="c", seq=2, at_ms=70, what="test", text="two"),
    ]


def test_a_listener_is_called_with_the_types_it_subscribed_to() -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append, Turn, Row)
    for event in (note(), Turn(turn=1), Row(role="caller", text="hi")):
        events.emit(event)
    assert [type(event) for event in seen] == [Turn, Row]


def test_a_listener_may_say_itself_which_types_it_wants() -> None:
    events, turns = bus(), Turns()
    events.subscribe(turns)
    events.emit(note())
    events.emit(Turn(turn=1))
    assert [type(event) for event in turns.seen] == [Turn]
    assert events.wants(Turn) and not events.wants(Note)


def test_types_given_twice_are_told_once() -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append, Turn, Turn)
    events.emit(Turn(turn=1))
    assert len(seen) == 1


def test_what_nobody_wants_is_not_built() -> None:
    events, built = bus(), []

    def build() -> EngineStep:
        built.append(1)
        return EngineStep(input={}, effects=[])

    events.emit_if_wanted(EngineStep, build, 5)
    events.subscribe(Turns())
    events.emit_if_wanted(EngineStep, build, 6)
    assert not built
    seen: list[CallEvent] = []
    events.subscribe(seen.append, EngineStep)
    events.emit_if_wanted(EngineStep, build, 7)
    assert len(built) == 1 and seen == [EngineStep(call="c", seq=1, at_ms=7, input={}, effects=[])]


def test_a_listener_that_raises_is_dropped_and_the_others_are_not() -> None:
    events, seen = bus(), list[CallEvent]()
    calls: list[CallEvent] = []

    def broken(event: CallEvent) -> None:
        calls.append(event)
        raise ZeroDivisionError

    events.subscribe(broken)
    events.subscribe(seen.append)
    events.emit(note())
    events.emit(note())
    assert (len(calls), len(seen)) == (1, 2)


def test_what_is_held_comes_at_its_release_as_it_happened() -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append)
    events.hold()
    events.emit(note("one"))
    events.emit_if_wanted(EngineStep, lambda: EngineStep(input={}, effects=[]), 2)
    events.hold()
    events.emit(note("three"))
    assert not seen
    events.release()
    assert [(event.seq, event.at_ms) for event in seen] == [(1, 1), (2, 2), (3, 2)]
    events.emit(note("four"))
    assert seen[-1].seq == 4


def test_a_step_that_is_held_is_built_at_its_release() -> None:
    events, built = bus(), []

    def build() -> EngineStep:
        built.append(1)
        return EngineStep(input={}, effects=[])

    events.subscribe(lambda event: None, EngineStep)
    events.hold()
    events.emit_if_wanted(EngineStep, build, 1)
    assert not built
    events.release()
    assert built


def test_a_release_without_a_hold_does_nothing() -> None:
    bus().release()


def test_too_much_is_released_rather_than_lost() -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append)
    events.hold()
    for _ in range(HELD + 5):
        events.emit(note())
    assert [event.seq for event in seen] == [*range(1, HELD + 6)]


def test_what_a_listener_emits_at_the_release_comes_after_what_was_held() -> None:
    events, seen = bus(), list[str]()

    def answering(event: Note) -> None:
        seen.append(event.text)
        if event.text == "one":
            events.emit(note("answer"))

    events.subscribe(answering, Note)
    events.hold()
    events.emit(note("one"))
    events.emit(note("two"))
    events.release()
    assert seen == ["one", "two", "answer"]


@given(st.lists(st.sampled_from(["emit", "hold", "release"]), max_size=600))
def test_whatever_is_held_nothing_is_lost_and_the_order_stands(moves: list[str]) -> None:
    events, seen = bus(), list[CallEvent]()
    events.subscribe(seen.append)
    for move in moves:
        if move == "emit":
            events.emit(note())
        else:
            getattr(events, move)()
    events.release()
    assert [event.seq for event in seen] == [*range(1, moves.count("emit") + 1)]
    assert [event.at_ms for event in seen] == [event.seq for event in seen]


def test_a_class_and_its_type_name_the_same_event() -> None:
    assert event_class("error") is event_class(ErrorEvent) is ErrorEvent


@pytest.mark.parametrize("kind", ["sigh", int, CallEvent])
def test_what_is_no_event_is_refused_with_those_there_are(kind: type | str) -> None:
    with pytest.raises(InputError) as refusal:
        event_class(kind)
    assert "barge_in" in str(refusal.value.fix)
