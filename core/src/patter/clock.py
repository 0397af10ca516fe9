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


@attrs.frozen(eq=False)
class CallClock:
    """The clock of one call: milliseconds since *zero_ms* of *clock*, when its session began."""

    clock: Clock
    zero_ms: float

    @classmethod
    def start(cls, clock: Clock) -> CallClock:
        """A call's clock that begins now."""
        return cls(clock, clock.ms())

    def ms(self) -> float:
        """Milliseconds of the call, not rounded."""
        return self.clock.ms() - self.zero_ms

    def now_ms(self) -> int:
        """Whole milliseconds of the call.

        Rounded down, but for the last bits of a float: a loop's clock counts seconds, and a
        timer set for millisecond 500 must not fire at 499.
        """
        return int(self.ms() + 0.01)

    def at(self, at_ms: float, callback: Callable[[], object]) -> Timer:
        """Call *callback* when the call is *at_ms* old."""
        return self.clock.at(self.zero_ms + at_ms, callback)


def machine_ms() -> float:
    """Monotonic milliseconds of the machine, from any thread, never virtual.

    Only for watching the loop itself from outside; everything else asks its Clock.
    """
    return time.monotonic() * 1_000
