"""The soak is awake: mistakes of the product that no other test hears are heard here."""

from __future__ import annotations

import pytest

from patter.call.playout import sender

from .mutants import MUTANTS, Mutant, broken, broken_rules


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_this_mistake_can_be_heard(mutant: Mutant) -> None:
    assert broken_rules(mutant)


def test_the_whole_product_is_back_after_a_broken_one() -> None:
    cut = sender.PlayoutSender.cut.__code__
    [mutant] = [each for each in MUTANTS if each.name == "a cut does not clear the carrier"]
    with broken(mutant):
        assert sender.PlayoutSender.cut.__code__ != cut
    assert sender.PlayoutSender.cut.__code__ is cut


def test_a_product_without_a_mistake_is_not_blamed() -> None:
    first = MUTANTS[0]
    harmless = Mutant("the same", first.module, first.old, first.old, first.call)
    assert broken_rules(harmless) == set()
