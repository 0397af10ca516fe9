"""The long form: ``python -m core.tests.call.soak.run [SEED] [CALLS]``; 1 if a call goes wrong.

So many calls of ordinary callers, and as many of adversarial ones, spread over the processors. Of
each rule that is broken a few calls are shrunk and printed as scripts, ready for a page of
`scripts/`.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from .draw import draw
from .script import text
from .shrink import shrink
from .soak import NOT_YET, Drawing, Wrong, breaks, soak

CALLS, SEED, SHOWN = 50_000, 1, 3
BLOCK = 100


def smallest(seed: int, rule: str, drawn: Drawing = draw) -> str:
    """The shortest call that breaks *rule* as that of *seed* does, to be read and kept."""
    return text(shrink(drawn(seed), partial(breaks, rule)))


def report(wrong: list[Wrong], shown: int = SHOWN, drawn: Drawing = draw) -> Iterator[str]:
    """Each broken rule, how often, and a few calls as scripts."""
    by_rule: dict[str, list[Wrong]] = defaultdict(list)
    for each in wrong:
        by_rule[each.rule].append(each)
    for rule, found in sorted(by_rule.items()):
        yield f"{rule}: {len(found)} calls"
        for each in found[:shown]:
            yield f"  seed {each.seed}: {each.said}"
            yield from (f"    {line}" for line in smallest(each.seed, rule, drawn).splitlines())


def main() -> int:
    """Run it; the exit status."""
    seed, calls = (*map(int, sys.argv[1:3]), *(SEED, CALLS)[len(sys.argv) - 1 :])
    first = (seed - 1) * CALLS
    blocks = [
        range(at, min(at + BLOCK, first + calls)) for at in range(first, first + calls, BLOCK)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return max(_soaked(kind, blocks, pool) for kind in NOT_YET)


def _soaked(kind: str, blocks: Sequence[range], pool: ProcessPoolExecutor) -> int:
    """Live through the calls of *kind*; 1 if one of them goes wrong."""
    drawn, began = NOT_YET[kind][0], time.monotonic()
    found = pool.map(partial(soak, drawn=drawn), blocks)
    wrong = [each for block in found for each in block]
    calls, took = sum(map(len, blocks)), time.monotonic() - began
    print("\n".join(report(wrong, drawn=drawn)))
    rules = Counter(each.rule for each in wrong)
    print(f"{calls} {kind} calls in {took:.0f} s, {len({each.seed for each in wrong})} wrong")
    print(", ".join(f"{rule} {count}" for rule, count in rules.most_common()) or "every rule held")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
