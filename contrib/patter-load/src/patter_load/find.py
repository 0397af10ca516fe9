"""How many calls hold: by bisection, below the most that were asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from patter_load.figures import Figures, Limits

Measure: TypeAlias = Callable[[int], Awaitable[Figures]]
CLOSE = 0.05
"""The answer is within this share of what does not hold, and of one call."""
AGAIN = 2
"""A load is tried so often before it does not hold: others use the machine, too."""


@attrs.frozen(kw_only=True)
class Trial:
    """A load that was tried, and whether it held."""

    run: Figures
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Was it carried?"""
        return not self.faults


@attrs.frozen
class Bracket:
    """Between what *holds*, 0 at first, and what does *not*.

    >>> Bracket(0, 100).middle, Bracket(50, 100).middle, Bracket(95, 100).middle
    (50, 75, None)
    """

    holds: int
    fails: int

    @property
    def middle(self) -> int | None:
        """What to try next; None when both are close enough."""
        gap = self.fails - self.holds
        return None if gap <= max(1, self.fails * CLOSE) else self.holds + gap // 2

    def after(self, calls: int, *, held: bool) -> Bracket:
        """The smaller one, now that *calls* were tried."""
        return Bracket(calls, self.fails) if held else Bracket(self.holds, calls)


async def find(
    most: int, limits: Limits, measured: Measure, each: Callable[[Trial], None]
) -> list[Trial]:
    """Try loads, *most* first; all trials in their order, of which *each* is told at once.

    The largest that holds is `capacity`.
    """
    trials, bracket = list[Trial](), Bracket(0, most)
    calls: int | None = most
    while calls:
        trials.append(await _tried(calls, limits, measured))
        each(trials[-1])
        bracket = bracket.after(calls, held=trials[-1].holds)
        calls = None if trials[0].holds else bracket.middle
    return trials


async def _tried(calls: int, limits: Limits, measured: Measure) -> Trial:
    for _ in range(AGAIN):
        run = await measured(calls)
        trial = Trial(run=run, faults=tuple(run.faults(limits)))
        if trial.holds:
            break
    return trial


def capacity(trials: list[Trial]) -> int:
    """The most calls that held; 0 when none did."""
    return max((trial.run.calls for trial in trials if trial.holds), default=0)
