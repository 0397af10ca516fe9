"""The long form of the fault run: ``python -m tests.faults.run [SEED] [CALLS]``; 1 if it fails.

What it prints of a failure is enough to have it again: the carrier, the seed and each call.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from .day import Day, chosen, day
from .machine import STOPS
from .phone import CARRIERS
from .softphones import softphone_day
from .vendors import vendors

CALLS, SEED = 2_000, 1
FDS = Path("/proc/self/fd")


def descriptors() -> int:
    """How many files and sockets are open, where that can be seen."""
    return sum(1 for _ in FDS.iterdir()) if FDS.exists() else 0


Make: TypeAlias = Callable[[int, Path], Awaitable[Day]]
"""Make a day of so many calls, whose records go to a path."""


async def days(calls: int, seed: int, log: Path) -> list[tuple[Day, list[str]]]:
    """Every kind of day, one after the other, and what is left of each."""
    found = []
    kinds = [*_kinds(seed)]
    for place, make in enumerate(kinds):
        before = descriptors()
        done = await make(calls // len(kinds) + (place < calls % len(kinds)), log / str(place))
        # Closed transports leave with the next turns of the loop.
        await asyncio.sleep(0.1)
        tasks = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        left = [f"{len(tasks)} tasks: {tasks}"] if tasks else []
        if (more := descriptors() - before) > 0:
            left.append(f"{more} descriptors")
        found.append((done, left))
    return found


def _kinds(seed: int) -> Iterator[Make]:
    """At each carrier: the carrier fails, vendors of real plugins fail, the machine fails."""
    for carrier in CARRIERS:
        yield partial(_carrier_day, carrier, seed)
        yield partial(_vendor_day, carrier, seed)
        yield partial(_carrier_day, carrier, seed, machine=True, stop=STOPS[carrier])
    yield lambda count, log: softphone_day(count, seed, log)


async def _carrier_day(carrier: str, seed: int, count: int, log: Path, **more: Any) -> Day:
    return await day(carrier, chosen(count, Random(seed)), seed, log, patient=True, **more)


async def _vendor_day(carrier: str, seed: int, count: int, log: Path) -> Day:
    async with vendors() as theirs:
        return await _carrier_day(carrier, seed, count, log, theirs=theirs)


def table(found: list[tuple[Day, list[str]]]) -> str:
    """The summary, a line a carrier."""
    lines = []
    for done, left in found:
        lines += [
            f"{done.carrier:<7} {done.calls} calls in {done.seconds:.0f} s, seed {done.seed}",
            f"        {_counted(done.outcomes)}",
            f"        dealt: {_counted(done.dealt)}",
            *([f"        storms: {_counted(done.storms)}"] if done.storms else ()),
            f"        left: {', '.join(left) or 'nothing'}",
            *(f"        WRONG {said}" for said in done.problems),
        ]
    return "\n".join(lines)


def _counted(what: Counter[str]) -> str:
    return "  ".join(f"{name} {count}" for name, count in what.most_common())


def main() -> int:
    """Run it; the exit status."""
    logging.basicConfig(level=logging.CRITICAL)
    seed, calls = (*map(int, sys.argv[1:3]), *(SEED, CALLS)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(days(calls, seed, Path(folder) / "log"))
    print(table(found))
    wrong = sum(len(done.problems) + len(left) for done, left in found)
    made = sum(done.calls for done, _ in found)
    print(f"{made} calls, {wrong} things wrong" + (f": again with seed {seed}" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
