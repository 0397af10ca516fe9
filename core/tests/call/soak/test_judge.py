"""Each rule convicts a call that is tampered with, and lets the same call pass as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import pytest

from patter.call.history import HistoryRow
from patter.observe.events import Ended, Row, Wire

from .judge import RULES, problems
from .notes import Entry, Talk, ToolUse
from .script import script
from .world import Outcome, live

CALL = """
~600  caller says "are you open" ms=900
      model says=2
~900  caller presses 12#
~600  caller says "book table" ms=600
      model tool=book:500
"""


@cache
def _lived() -> Outcome:
    return live(script(CALL))


def _call() -> Outcome:
    """A call in which nothing went wrong, whose notes may be changed."""
    whole = _lived()
    copies: dict[str, Any] = {
        name: list(value)
        for name, value in attrs.asdict(whole.notes, recurse=False).items()
        if isinstance(value, list)
    }
    return attrs.evolve(whole, notes=attrs.evolve(whole.notes, **copies))


def _without_row(o: Outcome) -> Outcome:
    return attrs.evolve(o, history=tuple(row for row in o.history if "open" not in row.text))


def _with_row(o: Outcome) -> Outcome:
    return attrs.evolve(o, history=(*o.history, HistoryRow("caller", 9, "open")))


def _silent(o: Outcome) -> Outcome:
    """The first answer is not heard."""
    began, ended = o.sounds[1]
    heard = tuple(each for each in o.heard if not began <= each.at_ms < ended)
    return attrs.evolve(o, sounds=(o.sounds[0], *o.sounds[2:]), heard=heard)


def _nothing_heard(o: Outcome) -> Outcome:
    return attrs.evolve(o, sounds=(), heard=(), ended_ms=o.ended_ms + 30_000)


def _heard_twice(o: Outcome) -> Outcome:
    """What was heard first is heard again, from another saying of it."""
    first = [each for each in o.heard if o.notes.spoken[each.code].instance == 1]
    shift = max(o.notes.spoken) + 1
    again = {
        each.code + shift: attrs.evolve(
            o.notes.spoken[each.code], code=each.code + shift, instance=99
        )
        for each in first
    }
    heard = tuple(attrs.evolve(each, code=each.code + shift) for each in first)
    notes = attrs.evolve(o.notes, spoken={**o.notes.spoken, **again})
    return attrs.evolve(o, notes=notes, heard=(*o.heard, *heard))


def _answered_twice(o: Outcome) -> Outcome:
    first, second = o.notes.requests[:2]
    o.notes.requests[1] = attrs.evolve(second, text=first.text, index=first.index)
    return o


def _booked_twice(o: Outcome) -> Outcome:
    o.notes.tools.append(ToolUse("book", "once", "book table", 0, 0))
    return o


def _key_lost(o: Outcome) -> Outcome:
    record = tuple(e for e in o.record if not (isinstance(e, Wire) and e.digits == "2"))
    return attrs.evolve(o, record=record)


def _row_lies(o: Outcome) -> Outcome:
    record = list(o.record)
    place = max(n for n, e in enumerate(record) if isinstance(e, Row) and e.role == "agent")
    row = record[place]
    assert isinstance(row, Row)
    record[place] = Row(role="agent", text=f"{row.text} And more of it.", kind="answer")
    return attrs.evolve(o, record=tuple(record))


def _cancelled_last(o: Outcome) -> Outcome:
    first = o.notes.requests[0]
    o.notes.requests[0] = attrs.evolve(first, last_role="tool", last_text='{"error":"cancelled"}')
    return o


def _no_greeting(o: Outcome) -> Outcome:
    return attrs.evolve(o, heard=tuple(each for each in o.heard if each.at_ms > 2_500))


def _no_end(o: Outcome) -> Outcome:
    return attrs.evolve(o, record=tuple(e for e in o.record if not isinstance(e, Ended)))


def _fault_unknown(o: Outcome) -> Outcome:
    o.notes.faults.append((max(each.ended_ms for each in o.notes.talk) + 700, "model"))
    return attrs.evolve(o, ended_ms=o.ended_ms + 60_000)


def _over_the_caller(o: Outcome) -> Outcome:
    talk = [each for each in o.notes.talk if each.words]
    long = attrs.evolve(talk[0], began_ms=4_000, ended_ms=9_000, words=("are", "you"))
    o.notes.talk[:] = [long]
    o.notes.delivered.append((4_200, "are you", False))
    return o


def _machine(o: Outcome) -> Outcome:
    o.notes.commands.append((o.ended_ms, "machine"))
    assert o.summary is not None
    return attrs.evolve(o, summary=attrs.evolve(o.summary, reason="machine"))


def _collects_for_ever(o: Outcome) -> Outcome:
    o.notes.entries.append(Entry(0, 1_000, 4))
    return attrs.evolve(o, ended_ms=o.ended_ms + 20_000)


TAMPERED: dict[str, list[Callable[[Outcome], Outcome]]] = {
    "silence": [_silent],
    "starved": [_nothing_heard],
    "repeated": [_heard_twice],
    "answers": [_answered_twice],
    "words": [_without_row, _with_row],
    "once": [_booked_twice],
    "keys": [_key_lost],
    "heard": [_row_lies, _silent],
    "asked": [_cancelled_last],
    "answered": [_nothing_heard],
    "greeting": [_no_greeting],
    "ends": [_no_end],
    "errors": [_fault_unknown],
    "manners": [_over_the_caller],
    "person": [_machine],
    "commands": [_collects_for_ever],
}


def test_a_call_in_which_nothing_goes_wrong_breaks_no_rule() -> None:
    assert problems(_call()) == {}


@pytest.mark.parametrize(
    ("rule", "tamper"), [(rule, each) for rule, all_ in TAMPERED.items() for each in all_]
)
def test_the_rule_convicts(rule: str, tamper: Callable[[Outcome], Outcome]) -> None:
    assert list(RULES[rule](tamper(_call())))


def test_no_rule_is_left_untried() -> None:
    assert set(TAMPERED) == set(RULES)


def _table_not_kept(*faults: tuple[int, str]) -> Outcome:
    """Of "book table" an early word told both, and then the final one; *faults* came meanwhile."""
    o = _call()
    o.notes.faults += faults
    o.notes.delivered[:] = [
        (1_000, "are you open", True),
        (9_000, "book table", False),
        (9_400, "book", True),
    ]
    rows = (attrs.evolve(row, text=row.text.replace("book table", "book")) for row in o.history)
    return attrs.evolve(o, history=tuple(rows), ended_ms=o.ended_ms + 20_000)


def test_a_word_that_its_own_recogniser_took_back_need_not_be_kept() -> None:
    assert not list(RULES["words"](_table_not_kept()))


def test_a_word_whose_recogniser_died_is_not_taken_back_by_the_next() -> None:
    assert list(RULES["words"](_table_not_kept((9_200, "stt")))) == ["'table' is lost"]


def _waits_for(*talk: Talk) -> Outcome:
    """A caller who asks, says *talk* and hears nothing for 22 s."""
    o = _call()
    o.notes.talk[:] = [Talk(2_000, 2_600, ("are",)), *talk]
    o.notes.questions[:] = [attrs.evolve(o.notes.questions[0], ended_ms=2_600)]
    return attrs.evolve(o, sounds=((200.0, 1_900.0), (24_700.0, 26_000.0)), ended_ms=26_000)


def test_who_says_something_now_and_then_waits_all_the_time() -> None:
    often = [Talk(at, at + 1_000, ("you",)) for at in range(5_000, 23_000, 3_000)]
    assert list(RULES["starved"](_waits_for(*often)))


def test_who_talks_on_does_not_wait_meanwhile() -> None:
    assert not list(RULES["starved"](_waits_for(Talk(12_000, 16_000, ("you",)))))


def _own_key(*sounds: tuple[float, float]) -> Outcome:
    """Words until 3 s, *sounds* of the agent, a key of the application's own entry, silence."""
    o = _call()
    o.notes.talk[:] = [Talk(2_000, 3_000, ("are", "you", "open"))]
    o.notes.keys[:], o.notes.tools[:] = [(7_000, "4")], []
    o.notes.entries[:] = [Entry(6_000, 8_000, 1, answers=False, digits="4", ended_ms=7_000)]
    return attrs.evolve(o, sounds=((200.0, 1_900.0), *sounds), ended_ms=15_000)


def test_a_key_that_asks_for_nothing_does_not_ask_again_what_was_answered() -> None:
    assert not list(RULES["silence"](_own_key((4_000.0, 6_500.0))))


def test_words_that_were_not_answered_are_owed_an_answer_after_such_a_key() -> None:
    assert "(an answer)" in " ".join(RULES["silence"](_own_key()))


def _open_twice(*between: Talk) -> Outcome:
    """The first words are final twice and in the history twice; *between* was heard meanwhile."""
    o = _with_row(_call())
    o.notes.talk[:] = [Talk(2_000, 2_900, ("are", "you", "open")), *between]
    o.notes.delivered[:] = [(3_100, "open", True), (4_300, "open", True)]
    return o


@pytest.mark.parametrize("long", [Talk(3_200, 3_400), Talk(3_700, 6_000)])
def test_what_a_voice_in_between_can_have_said_may_be_in_the_history_twice(long: Talk) -> None:
    assert not list(RULES["words"](_open_twice(long)))


@pytest.mark.parametrize("short", [(), (Talk(3_200, 3_320),), (Talk(3_900, 6_000),)])
def test_what_no_voice_can_have_said_again_may_not(short: tuple[Talk, ...]) -> None:
    assert list(RULES["words"](_open_twice(*short))) == ["'open' is in the history 2 times"]


def test_a_voice_of_which_something_else_was_told_has_not_said_it_again() -> None:
    o = _open_twice(Talk(3_200, 3_900))
    o.notes.delivered.insert(1, (4_000, "stop", False))
    assert list(RULES["words"](o)) == ["'open' is in the history 2 times"]
