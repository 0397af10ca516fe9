"""Callers who do what they must not, two thousand times: every rule holds, or the call is shown."""

from __future__ import annotations

import pytest

from .adversary import HABITS, adversary, engine_call, habits
from .mutants import MUTANTS, broken, new_rules
from .run import report, smallest
from .script import script, text
from .soak import CALLS, not_yet, soak
from .world import live

BLOCKS, ENGINE_CALLS = 16, 1_000
CONVICTIONS = {
    "what was not final is not said to the next recogniser": (70, "words"),
    "what was final is said to the next recogniser again": (45, "words"),
    "a voice that is asked again is not told what it was asked": (112, "silence"),
    "a voice that broke in the middle is asked for all of it again": (46, "repeated"),
    "what a lost leg had not played is not sent again": (12, "heard"),
    "a cut row holds what was sent": (1, "heard"),
    "the greeting is forgotten in the history": (0, "answered"),
    "who hangs up cancels a booking": (19, "once"),
    "nothing new is said after a hold": (0, "answered"),
}
"""Mistakes, and the call of an adversarial caller that hears each, with the rule that it breaks."""


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_the_caller_does_every_rule_holds(block: int) -> None:
    """But for the calls of `not_yet_adversarial.txt`, which must still break theirs."""
    seeds = range(block, CALLS, BLOCKS)
    known = {each for each in not_yet("adversarial") if each[0] in seeds}
    found = {(each.seed, each.rule): each for each in soak(seeds, adversary)}
    new = [found[key] for key in sorted(found.keys() - known)]
    assert not new, "\n".join(report(new, shown=1, drawn=adversary))
    assert not known - found.keys(), "mended: python -m core.tests.call.soak.soak"


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_happens_to_an_engine_every_rule_holds(block: int) -> None:
    assert not not_yet("engine")
    new = soak(range(block, ENGINE_CALLS, BLOCKS), engine_call)
    assert not new, "\n".join(report(new, shown=1, drawn=engine_call))


@pytest.mark.parametrize("name", CONVICTIONS)
def test_a_mistake_is_convicted_by_a_call_at_random(name: str) -> None:
    [mutant] = [each for each in MUTANTS if each.name == name]
    seed, rule = CONVICTIONS[name]
    assert rule in new_rules(mutant, seed, adversary)


def test_a_convicting_call_shrinks_to_a_few_lines_that_still_convict() -> None:
    [mutant] = [each for each in MUTANTS if each.name == "a cut row holds what was sent"]
    with broken(mutant):
        small = smallest(1, "heard", adversary)
    assert len(small.splitlines()) <= 4 < len(adversary(1))
    assert script(small)


def test_every_habit_is_drawn() -> None:
    lines = [line for seed in range(400) for line in adversary(seed)]
    whole = " ".join(map(str, lines))
    wanted = "echoes leaves= gap=60 hangs yeah mhm ms=40000 final=3000 final=never twice= split="
    wanted += " rings=20 opens=60000"
    assert [word for word in wanted.split() if word not in whole] == []
    assert any(line.at_ms is not None and line.at_ms < 1_500 for line in lines)
    assert sum(map(habits, lines)) > 100
    assert len(HABITS) == 7


def test_a_seed_is_one_call_that_can_be_written_down() -> None:
    for seed in range(8):
        assert live(adversary(seed)).record == live(adversary(seed)).record
    scripts = [adversary(seed) for seed in range(300)]
    assert [script(text(each)) for each in scripts] == scripts


def test_an_echo_is_heard_and_a_word_is_left_in_the_middle() -> None:
    echo = live(script('~600 caller says "are you open"\n^100 caller echoes ms=3000'))
    assert [talk for talk in echo.notes.talk if not talk.words]
    gone = live(script('~600 caller says "are you open" ms=900 leaves=450'))
    assert [talk.words for talk in gone.notes.talk] == [("are",), ("you",)]
    assert gone.summary is not None
    assert gone.summary.reason == "caller"
