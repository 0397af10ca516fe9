"""What the soak asks of the calls of every run, and which rules are not kept yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from .draw import draw
from .judge import RULES, problems
from .script import Script
from .world import live

LIVED = "lived"
"""The rule that a call breaks in which something breaks that no call may reach."""
NOT_YET: Mapping[str, int] = {}
"""Rules that calls still break, each with the seed of one that does."""


@attrs.frozen
class Wrong:
    """A call that broke a rule."""

    seed: int
    rule: str
    said: str


def soak(seeds: Iterable[int]) -> list[Wrong]:
    """Live through the calls of *seeds*; what went wrong in them."""
    return [each for seed in seeds for each in judged(seed)]


def judged(seed: int) -> Iterator[Wrong]:
    """What is wrong with the call of *seed*."""
    try:
        found = problems(live(draw(seed)))
    except Exception as raised:
        yield Wrong(seed, LIVED, f"{type(raised).__name__}: {raised}"[:300])
        return
    for rule, said in found.items():
        yield Wrong(seed, rule, said[0])


def breaks(rule: str, script: Script) -> bool:
    """Does *script* break *rule*?"""
    try:
        outcome = live(script)
    except Exception:
        return rule == LIVED
    return rule in RULES and bool(list(RULES[rule](outcome)))
