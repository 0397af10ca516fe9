"""The callers' heartbeat: everybody's next frame every 20 ms, spread evenly over them.

It knows how late it ran, because a load driver that cannot keep up measures itself.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final, Protocol

FRAME_MS: Final = 20
PHASES = 20


class Ticking(Protocol):
    """Somebody on the telephone: `tick` sends the next 20 ms."""

    def tick(self) -> None: ...


class Ticker:
    """Ticks callers in as many phases as a frame has milliseconds."""

    def __init__(self) -> None:
        self._phases: list[list[Ticking]] = [[] for _ in range(PHASES)]
        self._joined = 0
        self.late_ms: list[float] = []

    def join(self, caller: Ticking) -> None:
        """From now on *caller* sends."""
        self._phases[self._joined * 7 % PHASES].append(caller)
        self._joined += 1

    def leave(self, callers: Iterable[Ticking]) -> None:
        """From now on *callers* send nothing."""
        gone = set(callers)
        self._phases = [[each for each in phase if each not in gone] for phase in self._phases]

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        step_s = FRAME_MS / PHASES / 1_000
        due, place = loop.time(), 0
        while True:
            due += step_s
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            elif place == 0:
                await asyncio.sleep(0)
            self.late_ms.append((loop.time() - due) * 1_000)
            for caller in self._phases[place]:
                caller.tick()
            place = (place + 1) % PHASES


@asynccontextmanager
async def undisturbed() -> AsyncIterator[None]:
    """No collection of garbage here: all callers would stand still meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
