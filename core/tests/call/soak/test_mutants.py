"""The soak is awake: mistakes around the turn engine can be heard, each in one call."""

from __future__ import annotations

import pytest

from patter.call.stt_link import STTLink

from ..mutant import Mutant
from .mutants import MUTANTS, broken, broken_rules


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_this_mistake_can_be_heard(mutant: Mutant) -> None:
    assert broken_rules(mutant)


def test_the_whole_product_is_back_after_a_broken_one() -> None:
    [mutant] = [each for each in MUTANTS if each.name.startswith("what was not final")]
    whole = STTLink._from_last_final.__code__
    with broken(mutant):
        assert STTLink._from_last_final.__code__ != whole
    assert STTLink._from_last_final.__code__ is whole


def test_a_product_without_a_mistake_is_not_blamed() -> None:
    first = MUTANTS[0]
    harmless = Mutant("the same", first.module, first.old, first.old, first.call)
    assert broken_rules(harmless) == set()
