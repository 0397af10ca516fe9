"""What a process costs before anybody speaks, and whether its first turn is as fast as others."""

from __future__ import annotations

import asyncio
import statistics

import attrs

from callbench.load import Load, World, outside

GREETED_S = 2.0
TURN_S = 20.0


@attrs.frozen
class Start:
    """A process that takes calls *ready_s* after its start, and then has *rest_mb* of memory."""

    ready_s: float
    rest_mb: float


@attrs.frozen
class FirstCall:
    """The first call of a process: until its greeting was heard, and the overhead of its turns."""

    greeting_ms: float | None
    turns_ms: tuple[float, ...]


async def start(kind: str, load: Load) -> Start:
    """Start a process of *kind*, and look at it before the first call."""
    async with outside(World(), kind, load) as (_, sut):
        seen = await sut.census()
        await sut.stop()
        return Start(sut.ready_s, seen["rss"] / 1e6)


async def first_call(kind: str, load: Load, turns: int) -> FirstCall:
    """Call a process of *kind* that nobody has called before, and take so many turns."""
    world = World()
    async with outside(world, kind, load) as (through, sut):
        caller = await world.call(through)
        await asyncio.sleep(GREETED_S)
        caller.person.talking = True
        async with asyncio.timeout(TURN_S * turns):
            while len(caller.log.turns) <= turns + 1:
                await asyncio.sleep(0.05)
        await world.hang_up([caller])
        await sut.stop()
    log = caller.log
    took = (turn.overhead_ms for turn in log.turns[1 : turns + 1])
    return FirstCall(log.greeting_ms, tuple(each for each in took if each is not None))


async def first_calls(kind: str, load: Load, turns: int, processes: int) -> list[FirstCall]:
    """Several such processes side by side: a single call leaves a core idle."""
    return await asyncio.gather(*(first_call(kind, load, turns) for _ in range(processes)))


def slower_first(calls: list[FirstCall]) -> float:
    """How many times as long as the last turn the first takes, medians over *calls*."""
    first = statistics.median(call.turns_ms[0] for call in calls)
    return first / statistics.median(call.turns_ms[-1] for call in calls)
