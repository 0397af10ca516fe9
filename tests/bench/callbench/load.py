"""One run: so many real-time calls, for so long, against one measured process."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from callbench import proc
from callbench.doors import UP_S, Door, Party, door
from callbench.figures import Figures, Window, figures
from callbench.stamps import CallLog
from callbench.subject import Subject, subject
from callbench.ticker import Ticker
from callbench.vendors import Vendor

CALLS_A_SECOND, ENDS_A_SECOND = 25, 50
CYCLE_S = 5.0
SETTLE_S = 1.5
DOWN_S = 15.0


@dataclass(frozen=True)
class Load:
    """*calls* at once, measured for *seconds* after everybody has begun to talk.

    Before that two calls take *warm_turns* each. *profile*: where cProfile's figures go.
    """

    calls: int
    seconds: float
    warm_turns: int = 2
    profile: str = ""


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
    async with (
        _undisturbed(),
        _vendors(world) as vendors,
        door(kind) as through,
        subject(kind, vendors, through.api, load.profile) as sut,
        asyncio.TaskGroup() as tasks,
    ):
        through.leads_to(sut.port)
        beat = tasks.create_task(world.ticker.run())
        try:
            return await _measured(world, through, sut, load, kind)
        finally:
            beat.cancel()


async def _measured(world: World, through: Door, sut: Subject, load: Load, kind: str) -> Figures:
    await _warm_up(world, through, load.warm_turns)
    before = await sut.census()
    callers = await _ramp(world, through, load.calls)
    await asyncio.sleep(SETTLE_S)
    idle_bytes = (proc.rss_bytes(sut.pid) - before["rss"]) / load.calls
    world.ticker.late_ms.clear()
    await _begin_talking(callers, load.calls)
    window = await _window(world, sut, load, [caller.log for caller in callers])
    await world.hang_up(callers)
    await asyncio.sleep(SETTLE_S)
    after = await sut.census()
    await sut.stop()
    left = {"tasks": after["tasks"] - before["tasks"], "fds": sut.left["fds"]}
    heard = sut.left["heard"]
    return figures(kind, load.calls, window, idle_bytes=idle_bytes, left=left, heard=heard)


async def _warm_up(world: World, through: Door, turns: int) -> None:
    """The first calls of a process: imports, caches, connections."""
    callers = [await world.call(through) for _ in range(2)]
    for caller in callers:
        caller.person.talking = True
    async with asyncio.timeout(UP_S):
        while any(len(caller.log.turns) <= turns + 1 for caller in callers):
            _check_up(callers)
            await asyncio.sleep(0.05)
    await world.hang_up(callers)
    await asyncio.sleep(SETTLE_S)


async def _ramp(world: World, through: Door, calls: int) -> list[Party]:
    callers = []
    for _ in range(calls):
        callers.append(await world.call(through))
        await asyncio.sleep(1 / CALLS_A_SECOND)
    return callers


async def _begin_talking(callers: list[Party], calls: int) -> None:
    """Everybody begins, spread over one cycle of the script so that turns do not coincide."""
    for caller in callers:
        caller.person.talking = True
        await asyncio.sleep(CYCLE_S / calls)


async def _window(world: World, sut: Subject, load: Load, logs: list[CallLog]) -> Window:
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


@asynccontextmanager
async def _undisturbed() -> AsyncIterator[None]:
    """No collection of garbage here: everybody outside would stand still meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@asynccontextmanager
async def _vendors(world: World) -> AsyncIterator[str]:
    """Serve the vendors; their address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(world.logs), "127.0.0.1", 0, backlog=512)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
