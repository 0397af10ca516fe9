"""One run: so many real-time calls, for so long, against one measured process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from callbench.casts import CASTS, Cast, found
from callbench.doors import UP_S, Door, Party, door
from callbench.figures import Figures, Window, figures
from callbench.stamps import CallLog
from callbench.subject import Subject, subject
from patter_load import proc
from patter_load.ticker import Ticker, undisturbed

CALLS_A_SECOND, ENDS_A_SECOND = 25, 50
CYCLE_S = 5.0
SETTLE_S = 1.5
DOWN_S = 15.0


@attrs.frozen
class Load:
    """*calls* at once, measured for *seconds* after everybody has begun to talk.

    Before that two calls take *warm_turns* each. *profile*: where cProfile's figures go.
    *cast*: the vendors, and who speaks to them. *loop*: what a phone runs on; others are on
    asyncio's own.
    """

    calls: int
    seconds: float
    warm_turns: int = 2
    profile: str = ""
    cast: Cast = CASTS["small"]
    loop: str = "asyncio"


class World:
    """Everybody outside the measured process."""

    def __init__(self) -> None:
        self.logs: dict[str, CallLog] = {}
        self.ticker = Ticker()
        self._open: set[Party] = set()
        self._idle = asyncio.Event()

    async def call(self, through: Door) -> Party:
        """Ring, connect, and be silent."""
        async with asyncio.timeout(UP_S):
            caller = await through.call(self.logs, self._over)
        self._open.add(caller)
        self._idle.clear()
        self.ticker.join(caller)
        return caller

    async def hang_up(self, callers: list[Party]) -> None:
        """End the calls one by one, and wait until their sockets are gone."""
        for caller in callers:
            self.ticker.leave([caller])
            caller.hang_up()
            await asyncio.sleep(1 / ENDS_A_SECOND)
        async with asyncio.timeout(DOWN_S):
            await self._idle.wait()

    def _over(self, caller: Party) -> None:
        self._open.discard(caller)
        if not self._open:
            self._idle.set()


async def run(kind: str, load: Load) -> Figures:
    """Run *load* against a fresh process of *kind*."""
    world = World()
    async with outside(world, kind, load) as (through, sut):
        return await _measured(world, through, sut, load, kind)


@asynccontextmanager
async def outside(world: World, kind: str, load: Load) -> AsyncIterator[tuple[Door, Subject]]:
    """A fresh process of *kind*, the way to it, and everybody's heartbeat."""
    cast = load.cast
    async with (
        undisturbed(),
        found(cast.vendors)(world.logs) as vendors,
        door(kind) as through,
        subject(
            kind,
            vendors,
            cast,
            through.api,
            load.profile,
            "asyncio" if kind == "bare" else load.loop,
        ) as sut,
        asyncio.TaskGroup() as tasks,
    ):
        through.leads_to(sut.port)
        beat = tasks.create_task(world.ticker.run())
        try:
            yield through, sut
        finally:
            beat.cancel()


async def _measured(world: World, through: Door, sut: Subject, load: Load, kind: str) -> Figures:
    await warm_up(world, through, load.warm_turns)
    before = await sut.census()
    callers = await ramp(world, through, load.calls)
    await asyncio.sleep(SETTLE_S)
    idle_bytes = (proc.rss_bytes(sut.pid) - before["rss"]) / load.calls
    world.ticker.late_ms.clear()
    await begin_talking(callers, load.calls)
    window = await watched(world, sut, load, [caller.log for caller in callers])
    await world.hang_up(callers)
    await asyncio.sleep(SETTLE_S)
    after = await sut.census()
    await sut.stop()
    left = {"tasks": after["tasks"] - before["tasks"], "fds": sut.left["fds"]}
    heard = sut.left["heard"]
    return figures(kind, load.calls, window, idle_bytes=idle_bytes, left=left, heard=heard)


async def warm_up(world: World, through: Door, turns: int) -> None:
    """The first calls of a process: imports, caches, connections."""
    callers = [await world.call(through) for _ in range(2)]
    await asyncio.sleep(SETTLE_S)  # who is greeted listens
    for caller in callers:
        caller.person.talking = True
    async with asyncio.timeout(UP_S):
        while any(len(caller.log.turns) <= turns + 1 for caller in callers):
            _check_up(callers)
            await asyncio.sleep(0.05)
    await world.hang_up(callers)
    await asyncio.sleep(SETTLE_S)


async def ramp(world: World, through: Door, calls: int) -> list[Party]:
    callers = []
    for _ in range(calls):
        callers.append(await world.call(through))
        await asyncio.sleep(1 / CALLS_A_SECOND)
    return callers


async def begin_talking(callers: list[Party], calls: int) -> None:
    """Everybody begins, spread over one cycle of the script so that turns do not coincide."""
    for caller in callers:
        caller.person.talking = True
        await asyncio.sleep(CYCLE_S / calls)


async def watched(world: World, sut: Subject, load: Load, logs: list[CallLog]) -> Window:
    """Measure for a while; turns that began before it are left out."""
    skipped = {log.call_id: len(log.turns) for log in logs}
    counted = _counts(logs)
    theirs, own, stolen = proc.schedule(sut.pid), proc.schedule(os.getpid()), proc.stolen_s()
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(load.seconds)
    took = asyncio.get_running_loop().time() - began
    return Window(
        seconds=took,
        subject=proc.schedule(sut.pid).since(theirs),
        driver=proc.schedule(os.getpid()).since(own),
        stolen_s=proc.stolen_s() - stolen,
        rss_bytes=proc.rss_bytes(sut.pid),
        late_ms=world.ticker.late_ms,
        turns=[turn for log in logs for turn in log.turns[skipped[log.call_id] :]],
        frames_out=_counts(logs)[0] - counted[0],
        frames_to_stt=_counts(logs)[1] - counted[1],
        logs=logs,
    )


def _counts(logs: list[CallLog]) -> tuple[int, int]:
    return sum(log.frames_out for log in logs), sum(log.frames_to_stt for log in logs)


def _check_up(callers: list[Party]) -> None:
    for caller in callers:
        if caller.log.problem:
            raise RuntimeError(f"{caller.log.call_id}: {caller.log.problem}")
