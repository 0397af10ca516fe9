"""A call that went well passes every check; each thing that can go wrong fails its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    Note,
    Row,
    Started,
    ToolRun,
    Turn,
)
from patter_demo.evidence import MODEL_REQUEST, Evidence
from patter_demo.verdict import verdicts

sys.path.insert(0, str(Path(__file__).parent))
from .a_good_call import AGENT, LENGTH_MS, SPOKEN, UNHEARD, audio, good_call

Doctor = Callable[[Evidence], Evidence]


def changed(
    kind: type[CallEvent], which: Callable[[Any], bool] = lambda _: True, **data: Any
) -> Doctor:
    """Change *data* in the events of *kind* that are meant."""

    def doctor(good: Evidence) -> Evidence:
        events = [
            replace(event, **data) if isinstance(event, kind) and which(event) else event
            for event in good.events
        ]
        return attrs.evolve(good, events=events)

    return doctor


def without(kind: type[CallEvent]) -> Doctor:
    """Take the events of *kind* away."""
    return lambda good: attrs.evolve(
        good, events=[event for event in good.events if not isinstance(event, kind)]
    )


def repeated(kind: type[CallEvent]) -> Doctor:
    """Let the events of *kind* happen twice."""
    return lambda good: attrs.evolve(
        good, events=[e for event in good.events for e in (event,) * (1 + isinstance(event, kind))]
    )


def hears(*spans: tuple[int, int]) -> Doctor:
    """Let the caller's loudspeaker have played something else."""
    return lambda good: attrs.evolve(good, heard=audio(spans))


def of_turn(role: str, turn: int) -> Callable[[Any], bool]:
    return lambda row: row.role == role and row.turn == turn


TOLD_IT_ALL = [{"role": "assistant", "text": f"Good evening. {UNHEARD}"}]
STAGES = {"stt": 300, "end": 120}
WRONG: list[tuple[str, str, Doctor]] = [
    ("words", "misheard", changed(Row, of_turn("caller", 2), text="no thank you")),
    ("words", "no rows", changed(Row, of_turn("caller", 3), role="nobody")),
    ("words", "gave up", lambda good: attrs.evolve(good, gave_up="no answer")),
    ("tool arguments", "none", without(ToolRun)),
    ("tool arguments", "twice", repeated(ToolRun)),
    (
        "tool arguments",
        "for three",
        changed(ToolRun, lambda d: d.name == "book_table", arguments={"people": 3}),
    ),
    (
        "tool arguments",
        "failed",
        changed(ToolRun, lambda d: d.name == "book_table", ok=False),
    ),
    ("barge-in stopped audio", "not recorded", without(BargeIn)),
    (
        "barge-in stopped audio",
        "cut before the caller spoke",
        hears((300, 1_900), (1_900, 2_000), *AGENT[1:]),
    ),
    ("nothing left open", "a socket", lambda good: attrs.evolve(good, left=["1 socket"])),
    ("goodbye heard", "other words", changed(Row, of_turn("agent", 3), text="Well.")),
    ("goodbye heard", "cut off", changed(Row, of_turn("agent", 3), unheard="bye.")),
    ("goodbye heard", "silence", hears(*AGENT[:3])),
    ("goodbye heard", "failed", changed(Ended, outcome="failed")),
    ("goodbye heard", "no end", without(Ended)),
    (
        "stages add up",
        "a stage short",
        changed(Turn, lambda d: d.turn == 2, stages=STAGES),
    ),
    ("stages add up", "unanswered", changed(Turn, lambda d: d.turn == 2, turn=3)),
    (
        "only heard is told",
        "unheard words",
        changed(Note, lambda d: d.what == MODEL_REQUEST, messages=TOLD_IT_ALL),
    ),
    ("only heard is told", "not known", without(Note)),
    (
        "only heard is told",
        "nothing was cut",
        changed(Row, of_turn("agent", 0), unheard=""),
    ),
    (
        "only heard is told",
        "the cursor is wrong",
        changed(Row, of_turn("agent", 0), heard_ms=3_400),
    ),
    (
        "record replays",
        "other effects",
        changed(EngineStep, lambda d: d.input["name"] == "Connected", effects=[]),
    ),
    (
        "record replays",
        "no such event",
        changed(
            EngineStep,
            lambda d: d.input["name"] == "Connected",
            input={"name": "Sneezed", "fields": {}},
        ),
    ),
    ("record replays", "no rules", without(Started)),
    ("record replays", "no steps", without(EngineStep)),
]


def test_a_call_that_went_well_passes_every_check() -> None:
    assert [(each.name, each.why) for each in verdicts(good_call()) if not each.ok] == []


@pytest.mark.parametrize(
    ("name", "doctor"), [(name, doctor) for name, _, doctor in WRONG], ids=[w for _, w, _ in WRONG]
)
def test_what_went_wrong_fails_its_own_check_with_a_reason(name: str, doctor: Doctor) -> None:
    failed = {each.name: each.why for each in verdicts(doctor(good_call())) if not each.ok}
    assert name in failed
    assert failed[name]


def test_every_check_can_fail() -> None:
    assert {name for name, _, _ in WRONG} == {each.name for each in verdicts(good_call())}


def test_an_agent_that_speaks_on_was_not_stopped() -> None:
    on = hears((300, 3_900), *AGENT[1:])(good_call())
    failed = {each.name: each.why for each in verdicts(on) if not each.ok}
    assert failed["barge-in stopped audio"] == "the agent spoke on for 1400 ms, longer than 800"


def test_a_turn_the_caller_went_on_with_counts_once_and_whole() -> None:
    good = good_call()
    first = Row(call="d", at_ms=9_000, role="caller", text="book a", turn=2)
    whole = changed(Row, of_turn("caller", 2), amends=True)(good)
    amended = attrs.evolve(whole, events=[first, *whole.events])
    assert next(each for each in verdicts(amended) if each.name == "words").ok


def test_the_caller_who_never_spoke_makes_no_call_good() -> None:
    silent = attrs.evolve(good_call(), spoken=(), caller_audio=audio(()))
    failed = {each.name for each in verdicts(silent) if not each.ok}
    assert {"words", "barge-in stopped audio", "stages add up"} <= failed
    assert SPOKEN[-1].ended_ms < LENGTH_MS
