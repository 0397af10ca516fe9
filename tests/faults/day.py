"""A bad day at a carrier: many calls at once, everything going wrong that can, and the audit."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import attrs

from patter_testing.doubles.faults import Faults

from . import audit, vitals
from .audit_record import records
from .machine import befallen
from .people import PARTS, Case, decline
from .phone import Phone, phone, until
from .vendors import Vendors

AT_ONCE = 25
BAD = Faults(
    late=0.3,
    late_ms=250,
    twice=0.2,
    reordered=0.2,
    forged=0.2,
    jitter_ms=20,
    dropped=0.1,
    dropped_ms=2_000,
    slow=0.2,
    slow_ms=250,
    limited=0.05,
    broken=0.05,
    lost=0.05,
)


@attrs.frozen(kw_only=True)
class Day:
    """How it went: *problems* must be empty."""

    carrier: str
    seed: int
    calls: int
    outcomes: Counter[str]
    dealt: Counter[str]
    problems: tuple[str, ...]
    seconds: float
    storms: Counter[str] = attrs.field(factory=Counter)


def chosen(count: int, random: Random, without: frozenset[str] = frozenset()) -> list[str]:
    """*count* things for people to do: everything as often, in any order."""
    kinds = [name for name in PARTS if name not in without]
    names: list[str] = []
    while len(names) < count:
        names += random.sample(kinds, len(kinds))
    return names[:count]


async def day(
    carrier: str,
    names: list[str],
    seed: int,
    log: Path,
    *,
    faults: Faults = BAD,
    patient: bool,
    theirs: Vendors | None = None,
    machine: bool = False,
    stop: signal.Signals | None = None,
) -> Day:
    """Make a call for each of *names*; *patient* waits for those nobody knows anything of.

    With *theirs*, real plugins hear, think and speak, and the weather at their vendors is bad.
    On a bad *machine* the clock is set and the disk is full at times. *stop* ends it, if it is
    to be a signal.
    """
    began = asyncio.get_running_loop().time()
    cases = [
        Case(
            name=name, party=f"+1555{seed % 1_000:03}{number:04}", random=Random(f"{seed} {number}")
        )
        for number, name in enumerate(names)
    ]
    async with (
        vitals.watched(len(names)) as signs,
        phone(carrier, attrs.evolve(faults, seed=seed), log, theirs) as it,
    ):
        places = asyncio.Semaphore(AT_ONCE)
        async with AsyncExitStack() as weather:
            await weather.enter_async_context(_stormy(theirs, Random(seed)))
            if machine:
                it.trouble = await weather.enter_async_context(befallen(Random(seed)))
            async with asyncio.TaskGroup() as tasks:
                for case in cases:
                    tasks.create_task(_made(it, case, places))
        await until(lambda: all(call.over for call in it.vendor.runtime.calls.values()))
        await until(lambda: not it.serving.switchboard.calls, 80 if patient else 0.1)
        await until(lambda: not audit.remembered(it))
        await it.stops(stop)
        excuse = "cannot be written" if it.disk_full else ""
        kept = sum(len(each.sent) for each in it.stt.sessions)
        problems = [*audit.of_calls(it, cases), *audit.of_phone(it), *signs.problems(kept, excuse)]
    return Day(
        carrier=carrier,
        seed=seed,
        calls=len(cases),
        dealt=it.vendor.runtime.injector.dealt,
        outcomes=Counter(each.outcome for each in records(log).values()),
        problems=tuple(problems),
        seconds=asyncio.get_running_loop().time() - began,
        storms=theirs.storms if theirs else it.trouble,
    )


@asynccontextmanager
async def _stormy(theirs: Vendors | None, random: Random) -> AsyncIterator[None]:
    """Bad weather at *theirs* while inside, and fine weather after it."""
    if theirs is None:
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        weathers = [
            tasks.create_task(theirs.weather(double, Random(random.random())))
            for double in theirs.doubles
        ]
        try:
            yield
        finally:
            for weather in weathers:
                weather.cancel()
            theirs.clear()


async def _made(it: Phone, case: Case, places: asyncio.Semaphore) -> None:
    async with places:
        await PARTS[case.name](it, case)
        await decline(it, case)
