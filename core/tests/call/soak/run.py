"""The long form: ``python -m core.tests.call.soak.run [CALLS] [SEED]``; 1 if a call goes wrong.

Calls are spread over the processors. Of each rule that is broken the first few calls are shrunk
and printed as scripts, ready for a page of `scripts/`.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import attrs

from .draw import draw
from .judge import RULES, problems
from .script import Script, text
from .shrink import shrink
from .world import live

CALLS, SEED, SHOWN = 50_000, 1, 2
BLOCK = 100


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
    """What is wrong with the call of *seed*; a world that breaks down breaks a rule of its own."""
    try:
        found = problems(live(draw(seed)))
    except (Exception, SystemExit) as raised:
        yield Wrong(seed, "lived", f"{type(raised).__name__}: {raised}"[:300])
        return
    for rule, said in found.items():
        yield Wrong(seed, rule, said[0])


def breaks(rule: str, script: Script) -> bool:
    """Does *script* break *rule*?"""
    try:
        outcome = live(script)
    except (Exception, SystemExit):
        return rule == "lived"
    return rule in RULES and bool(list(RULES[rule](outcome)))


def smallest(seed: int, rule: str) -> str:
    """The shortest call that breaks *rule* as that of *seed* does, to be read and kept."""
    return text(shrink(draw(seed), partial(breaks, rule)))


def report(wrong: list[Wrong], shown: int = SHOWN) -> Iterator[str]:
    """Each broken rule, how often, and a few calls as scripts."""
    by_rule: dict[str, list[Wrong]] = defaultdict(list)
    for each in wrong:
        by_rule[each.rule].append(each)
    for rule, found in sorted(by_rule.items()):
        yield f"{rule}: {len(found)} calls"
        for each in found[:shown]:
            yield f"  seed {each.seed}: {each.said}"
            yield from (f"    {line}" for line in smallest(each.seed, rule).splitlines())


def main() -> int:
    """Run it; the exit status."""
    calls, seed = (*map(int, sys.argv[1:3]), *(CALLS, SEED)[len(sys.argv) - 1 :])
    first = (seed - 1) * CALLS
    blocks = [range(at, min(at + BLOCK, first + calls)) for at in range(first, first + calls, BLOCK)]
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        wrong = [each for found in pool.map(soak, blocks) for each in found]
    took = time.monotonic() - began
    print("\n".join(report(wrong)))
    rules = Counter(each.rule for each in wrong)
    print(f"{calls} calls in {took:.0f} s, {len({each.seed for each in wrong})} of them wrong")
    print(", ".join(f"{rule} {count}" for rule, count in rules.most_common()) or "every rule held")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
