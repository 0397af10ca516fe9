"""The long form of the fault run: ``python -m tests.faults.run [SEED] [CALLS]``; 1 if it fails.

What it prints of a failure is enough to have it again: the carrier, the seed and each call.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from .day import Day, chosen, day
from .phone import CARRIERS
from .vendors import vendors

CALLS, SEED = 500, 1
FDS = Path("/proc/self/fd")


def descriptors() -> int:
    """How many files and sockets are open, where that can be seen."""
    return sum(1 for _ in FDS.iterdir()) if FDS.exists() else 0


async def days(calls: int, seed: int, log: Path) -> list[tuple[Day, list[str]]]:
    """Two days at each carrier, one with real plugins, and what is left of each."""
    found = []
    days = [(carrier, real) for real in (False, True) for carrier in CARRIERS]
    for place, (carrier, real) in enumerate(days):
        names = chosen(calls // len(days) + (place < calls % len(days)), Random(seed))
        before = descriptors()
        done = await one_day(carrier, names, seed, log / f"{carrier} {place}", real=real)
        # Closed transports leave with the next turns of the loop.
        await asyncio.sleep(0.1)
        tasks = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        left = [f"{len(tasks)} tasks: {tasks}"] if tasks else []
        if (more := descriptors() - before) > 0:
            left.append(f"{more} descriptors")
        found.append((done, left))
    return found


async def one_day(carrier: str, names: list[str], seed: int, log: Path, *, real: bool) -> Day:
    """A day at *carrier*; with *real* plugins, whose vendors fail, too."""
    if not real:
        return await day(carrier, names, seed, log, patient=True)
    async with vendors() as theirs:
        return await day(carrier, names, seed, log, patient=True, theirs=theirs)


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
