"""Random calls, judged; and those of every test run that break a rule which is not kept yet.

``python -m core.tests.call.soak.soak`` writes `not_yet.txt` and its neighbour again: what is mended
leaves it. A call that is new in it is a mistake to be mended, not to be written down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import attrs

from .adversary import adversary, engine_call
from .draw import draw
from .judge import RULES, problems
from .script import Script
from .world import live

Drawing: TypeAlias = Callable[[int], Script]
"""What makes a script of a seed."""
CALLS = 2_000
"""So many are lived through in every test run."""
LIVED = "lived"
"""The rule that a call breaks in which something breaks that no call may reach."""
NOT_YET: dict[str, tuple[Drawing, Path]] = {
    "ordinary": (draw, Path(__file__).with_name("not_yet.txt")),
    "adversarial": (adversary, Path(__file__).with_name("not_yet_adversarial.txt")),
    "engine": (engine_call, Path(__file__).with_name("not_yet_engine.txt")),
}
"""The two kinds of callers: how they are drawn, and which of their calls break a rule today."""


@attrs.frozen
class Wrong:
    """A call that broke a rule."""

    seed: int
    rule: str
    said: str


def soak(seeds: Iterable[int], drawn: Drawing = draw) -> list[Wrong]:
    """Live through the calls of *seeds*, as they are *drawn*; what went wrong in them."""
    return [each for seed in seeds for each in judged(seed, drawn)]


def judged(seed: int, drawn: Drawing = draw) -> Iterator[Wrong]:
    """What is wrong with the call of *seed*."""
    try:
        found = problems(live(drawn(seed)))
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


def not_yet(kind: str = "ordinary") -> set[tuple[int, str]]:
    """The calls of *kind* that are known to break a rule: seed and rule."""
    lines = NOT_YET[kind][1].read_text(encoding="utf-8").splitlines()
    return {(int(seed), rule) for rule, *seeds in map(str.split, lines) for seed in seeds}


def main() -> None:
    """Write down what goes wrong today."""
    for drawn, page in NOT_YET.values():
        seeds: dict[str, list[int]] = defaultdict(list)
        for each in soak(range(CALLS), drawn):
            seeds[each.rule].append(each.seed)
        lines = [f"{rule} {' '.join(map(str, found))}\n" for rule, found in sorted(seeds.items())]
        page.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
