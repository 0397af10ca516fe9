"""The only source of time. No other module of the call path imports `time`.

Everything below a call waits through its event loop, so a loop with virtual time
(`patter.testing`) makes half an hour pass in milliseconds without other code knowing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import attrs


class Timer(Protocol):
    """A callback that will be called unless it is cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Milliseconds that only grow, and the date they correspond to."""

    def ms(self) -> float:
        """Monotonic milliseconds; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, UTC. For records and expiry, never for measuring."""
        ...

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        """Call *callback* on the loop when `ms()` has reached *ms*."""
        ...

    async def sleep(self, ms: float) -> None:
        """Let *ms* milliseconds pass."""
        ...


@attrs.frozen
class LoopClock:
    """The running event loop's time; virtual when the loop's time is."""

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    def wall(self) -> float:
        return time.time()

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_at(ms / 1_000, callback)

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(max(0.0, ms) / 1_000)


def machine_ms() -> float:
    """Monotonic milliseconds of the machine, from any thread, never virtual.

    Only for watching the loop itself from outside; everything else asks its Clock.
    """
    return time.monotonic() * 1_000
