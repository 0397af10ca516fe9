"""How many calls one core carries: more and more of them, until turns get slow."""

from __future__ import annotations

import asyncio

import attrs

from callbench.doors import Party
from callbench.figures import Figures, figures
from callbench.load import (
    SETTLE_S,
    Load,
    World,
    begin_talking,
    outside,
    ramp,
    warm_up,
    watched,
)


@attrs.frozen
class Stairs:
    """*step* calls more at a time, up to *most*, each step watched for *seconds*.

    A step holds while the overhead's p95 is below *p95_ms* and no caller hears a gap. One that
    does not is watched a second time: others use the machine, too.
    """

    step: int = 20
    most: int = 320
    seconds: float = 12.0
    p95_ms: float = 30.0

    def holds(self, run: Figures) -> bool:
        """Were *run*'s calls carried?"""
        whole = not (run.underruns or run.lost_turns or run.problems)
        return whole and run.overhead_p95 < self.p95_ms


async def climb(kind: str, load: Load, stairs: Stairs) -> list[Figures]:
    """The steps that a fresh process of *kind* holds, and the first that it does not."""
    world, steps = World(), list[Figures]()
    async with outside(world, kind, load) as (through, sut):
        await warm_up(world, through, load.warm_turns)
        callers: list[Party] = []
        while len(callers) < stairs.most:
            more = await ramp(world, through, stairs.step)
            await asyncio.sleep(SETTLE_S)
            await begin_talking(more, stairs.step)
            callers += more
            for _ in range(2):
                _forget(callers)
                world.ticker.late_ms.clear()
                logs = [caller.log for caller in callers]
                window = await watched(world, sut, attrs.evolve(load, seconds=stairs.seconds), logs)
                left = {"tasks": 0, "fds": 0}
                run = figures(kind, len(callers), window, idle_bytes=0, left=left, heard={})
                if stairs.holds(run) or run.driver_bound:
                    break
            steps.append(run)
            if not stairs.holds(run) or run.driver_bound:
                break
    return steps


def carried(steps: list[Figures], stairs: Stairs) -> int:
    """The most calls that were carried."""
    return max((run.calls for run in steps if stairs.holds(run)), default=0)


def _forget(callers: list[Party]) -> None:
    """Faults of a step before are not this one's."""
    for caller in callers:
        caller.log.underruns = caller.log.lost_turns = 0
