"""The tests themselves are awake: a broken engine does not get past them."""

from __future__ import annotations

import sys

import pytest

from patter.call.turn import engine

from ..mutant import Mutant
from .bench import broken, killed_by
from .effort import is_nightly
from .mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_this_mistake_is_noticed(mutant: Mutant) -> None:
    if is_nightly():
        assert killed_by(mutant, depth=3, walks=2_000, properties=True)
    else:
        assert killed_by(mutant)


def test_every_mistake_can_still_be_made() -> None:
    for mutant in MUTANTS:
        assert mutant.source()
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


def test_an_engine_without_a_mistake_is_not_blamed() -> None:
    for module in ("turn.events", "playout.timing"):
        harmless = Mutant("a comment", module, "annotations\n\n", "annotations  # same\n\n")
        assert killed_by(harmless) == ""


def test_the_whole_engine_is_back_after_a_broken_one() -> None:
    whole = sys.modules["patter.call.turn.engine"]
    with broken(MUTANTS[0]):
        assert sys.modules["patter.call.turn.engine"] is not whole
    assert sys.modules["patter.call.turn.engine"] is whole is engine
