"""The long form: ``python -m core.tests.call.soak.run [SEED] [CALLS]``; 1 if a call goes wrong.

So many calls of ordinary callers, and as many of adversarial ones, spread over the processors; or
of one `--kind`, over so many `--processes`. What goes wrong is printed at once, and how far it is
on the error stream. At the end a few calls of each broken rule are shrunk and printed as scripts,
ready for a page of `scripts/`. A call that goes on and on is shown too, and ends no run.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from .draw import draw
from .limit import TooLong, at_most
from .script import text
from .shrink import shrink
from .soak import LIVED, NOT_YET, Drawing, Wrong, breaks, judged

CALLS, SEED, SHOWN = 50_000, 1, 3
BLOCK = 100
LIMIT_S, SHRINK_S = 20.0, 60.0
"""What a call may cost, which is a tenth of a second as a rule, and what its shrinking may."""
TOO_LONG = "too long"
"""The rule that a call breaks which costs more."""
TOLD_S, SWEPT = 30.0, 20


def smallest(seed: int, rule: str, drawn: Drawing = draw) -> str:
    """The shortest call that breaks *rule* as that of *seed* does, to be read and kept."""
    smaller = drawn(seed)

    def fails(script: object) -> bool:
        nonlocal smaller
        broken = breaks(rule, script)  # type: ignore[arg-type]
        smaller = script if broken else smaller  # type: ignore[assignment]
        return broken

    try:
        with at_most(SHRINK_S):
            return text(shrink(drawn(seed), fails))
    except TooLong:
        return text(smaller)


def report(wrong: list[Wrong], shown: int = SHOWN, drawn: Drawing = draw) -> Iterator[str]:
    """Each broken rule, how often, and a few calls as scripts."""
    by_rule: dict[str, list[Wrong]] = defaultdict(list)
    for each in wrong:
        by_rule[each.rule].append(each)
    for rule, found in sorted(by_rule.items()):
        yield f"{rule}: {len(found)} calls"
        for each in found[:shown]:
            yield f"  seed {each.seed}: {each.said}"
            lines = text(drawn(each.seed)) if rule == TOO_LONG else smallest(each.seed, rule, drawn)
            yield from (f"    {line}" for line in lines.splitlines())


def lived(seeds: Sequence[int], drawn: Drawing, limit_s: float = LIMIT_S) -> list[Wrong]:
    """What goes wrong in the calls of *seeds*, of which none costs more than *limit_s*."""
    wrong: list[Wrong] = []
    for place, seed in enumerate(seeds):
        if place % SWEPT == 0:
            gc.collect()
        try:
            with at_most(limit_s):
                found = list(judged(seed, drawn))
                if any(each.rule == LIVED for each in found):
                    # A machine that stood still meanwhile lets no call come to its end.
                    found = list(judged(seed, drawn))
                wrong += found
        except TooLong as raised:
            wrong.append(Wrong(seed, TOO_LONG, str(raised)))
    return wrong


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=SEED, help="block of seeds, from 1")
    parser.add_argument("calls", nargs="?", type=int, default=CALLS, help="so many of each kind")
    parser.add_argument("--kind", choices=list(NOT_YET), action="append", help="only these callers")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="side by side")
    parser.add_argument("--shown", type=int, default=SHOWN, help="scripts of each broken rule")
    parser.add_argument("--skip", type=int, default=0, help="so many of them were lived through")
    parser.add_argument("--only", type=int, nargs="+", help="just these seeds, of no block")
    return parser.parse_args(given)


def main() -> int:
    """Run it; the exit status."""
    asked = arguments(sys.argv[1:])
    first = (asked.seed - 1) * CALLS
    seeds = asked.only or range(first + asked.skip, first + asked.calls)
    blocks = [seeds[at : at + BLOCK] for at in range(0, len(seeds), BLOCK)]
    with ProcessPoolExecutor(asked.processes, initializer=_hurry) as pool:
        kinds = asked.kind or NOT_YET
        return max(_soaked(kind, blocks, pool, asked.shown) for kind in kinds)


def _hurry() -> None:
    """Collect what calls leave behind after some of them, and not within: a fifth of the time."""
    gc.freeze()
    gc.disable()


def _soaked(
    kind: str, blocks: Sequence[Sequence[int]], pool: ProcessPoolExecutor, shown: int
) -> int:
    """Live through the calls of *kind*; 1 if one of them goes wrong."""
    drawn, began = NOT_YET[kind][0], time.monotonic()
    wrong: list[Wrong] = []
    told, calls, every = began, 0, sum(map(len, blocks))
    for block, found in zip(blocks, pool.map(partial(lived, drawn=drawn), blocks), strict=True):
        wrong, calls = [*wrong, *found], calls + len(block)
        for each in found:
            print(f"seed {each.seed} {each.rule}: {each.said}", flush=True)
        if time.monotonic() - told > TOLD_S or calls == every:
            told = time.monotonic()
            went = f"{calls} of {every} {kind} calls in {told - began:.0f} s"
            print(f"{went}, {len({each.seed for each in wrong})} wrong", file=sys.stderr)
    took = time.monotonic() - began
    print("\n".join(report(wrong, shown, drawn)))
    rules = Counter(each.rule for each in wrong)
    print(f"{calls} {kind} calls in {took:.0f} s, {len({each.seed for each in wrong})} wrong")
    print(", ".join(f"{rule} {count}" for rule, count in rules.most_common()) or "every rule held")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
