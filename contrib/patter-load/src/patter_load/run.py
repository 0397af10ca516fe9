"""One load from its beginning to its end: a call that is alone, then many, then none."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.errors import ProvisionError
from patter_load.census import Census, Subject
from patter_load.conversation import Step
from patter_load.crowd import Crowd
from patter_load.figures import Figures, Left, Window, figures
from patter_load.sightings import Sightings
from patter_load.ticker import undisturbed
from patter_load.webhook import Endpoint, client

SETTLE_S = 0.5
ALONE, APART_S = 2, 0.5
"""Calls before the load, and how far apart: too few to be in each other's way. The better answer to
each line counts, since the first call of a process imports and connects."""
CLOSING_S, LOOK_S = 10.0, 0.25


@attrs.define(eq=False)
class Run:
    """Callers of *subject*. *alone* is what a lone call takes for each step, in milliseconds."""

    crowd: Crowd
    subject: Subject
    alone: dict[int, float] = attrs.field(factory=dict)
    idle: Census | None = None

    async def warm_up(self) -> None:
        """A few calls while nobody else calls. Raises PatterError."""
        async with task_scope() as tasks:
            for _ in range(ALONE):
                tasks.create_task(self.crowd.once(), name="load-alone")
                await asyncio.sleep(APART_S)
        seen, self.crowd.sightings = self.crowd.sightings, Sightings()
        if seen.problems:
            raise ProvisionError(
                f"a lone call did not go well: {seen.problems[0]}", fix="patter doctor TARGET"
            )
        for turn in seen.turns:
            if (response := turn.response_ms) is not None:
                self.alone[turn.at] = min(response, self.alone.get(turn.at, response))
        await asyncio.sleep(SETTLE_S)
        self.idle = await self.subject.census()

    async def measured(self, calls: int, seconds: float) -> Figures:
        """Keep *calls* going, and look at them for *seconds*."""
        self.crowd.sightings = before = Sightings()
        async with self.crowd.of(calls):
            await asyncio.sleep(SETTLE_S)
            self.crowd.sightings = seen = Sightings()
            self.crowd.ticker.late_ms.clear()
            window = await self._watched(calls, seconds, seen)
        seen.problems[:0] = before.problems
        return figures(window, self.alone)

    async def left(self) -> Left:
        """What is still open now that nobody calls; it may take a moment to close."""
        if self.idle is None:
            return Left()
        left = Left()
        for _ in range(round(CLOSING_S / LOOK_S)):
            left = _beyond(await self.subject.census(), self.idle)
            if not left.faults():
                break
            await asyncio.sleep(LOOK_S)
        return left

    async def _watched(self, calls: int, seconds: float, seen: Sightings) -> Window:
        loop = asyncio.get_running_loop()
        began, own, at = self.subject.look(), time.process_time(), loop.time()
        await asyncio.sleep(seconds)
        return Window(
            calls=calls,
            seconds=loop.time() - at,
            sightings=seen,
            idle=self.idle,
            began=began,
            ended=self.subject.look(),
            driver_s=time.process_time() - own,
            late_ms=list(self.crowd.ticker.late_ms),
        )


@asynccontextmanager
async def running(
    endpoint: Endpoint, steps: tuple[Step, ...], subject: Subject
) -> AsyncIterator[Run]:
    """Callers of *endpoint*, and what serves it, for as long as inside."""
    async with undisturbed(), client() as http:
        crowd = Crowd(endpoint, http, steps)
        async with crowd.beating():
            yield Run(crowd, subject)


def _beyond(now: Census | None, idle: Census) -> Left:
    if now is None:
        return Left()
    sockets, fds = now.sockets - idle.sockets, now.fds - idle.fds
    if now.tasks is None or idle.tasks is None:
        return Left(sockets=sockets, fds=fds)
    names = tuple((Counter(now.tasks) - Counter(idle.tasks)).elements())
    return Left(tasks=len(now.tasks) - len(idle.tasks), names=names, sockets=sockets, fds=fds)
