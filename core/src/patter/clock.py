"""The only source of time. No other module of the call path imports `time`.

Everything below a call waits through its event loop, so a loop with virtual time
(`patter.testing`) makes half an hour pass in milliseconds without other code knowing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

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


class Flowing(Protocol):
    """A line whose audio flows."""

    def due_ms(self) -> float:
        """When it is to be looked at, in milliseconds of the loop; later with every frame."""
        ...

    def look(self) -> None:
        """No audio has come until then."""
        ...


@attrs.define(eq=False)
class FlowWatch:
    """The lines of one event loop whose audio flows, and one timer for all of them.

    A line that brings a frame every 20 ms is never due, but a timer of its own would look at it
    ten times a second. The shared one is armed for the earliest that could be due.
    """

    loop: asyncio.AbstractEventLoop
    _lines: dict[Flowing, None] = attrs.field(factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)
    _armed_ms: float = attrs.field(default=0.0, init=False)

    def add(self, line: Flowing) -> None:
        """Call `Flowing.look` of *line*, once, when it is due."""
        self._lines[line] = None
        due_ms = line.due_ms()
        if self._timer is None or due_ms < self._armed_ms:
            self._arm(due_ms)

    def discard(self, line: Flowing) -> None:
        """Do not look at *line* any more."""
        self._lines.pop(line, None)
        if not self._lines:
            self._disarm()

    def _arm(self, due_ms: float) -> None:
        self._disarm()
        self._armed_ms = due_ms
        self._timer = self.loop.call_at(due_ms / 1_000, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now_ms = self.loop.time() * 1_000
        # A hundredth is less than anybody hears and more than a float loses.
        for line in [line for line in self._lines if line.due_ms() <= now_ms + 0.01]:
            del self._lines[line]
            line.look()
        if self._lines and self._timer is None:
            self._arm(min(line.due_ms() for line in self._lines))


_WATCHES: WeakKeyDictionary[asyncio.AbstractEventLoop, FlowWatch] = WeakKeyDictionary()


def flow_watch() -> FlowWatch:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    if (watch := _WATCHES.get(loop)) is None:
        watch = _WATCHES[loop] = FlowWatch(loop)
    return watch


def machine_ms() -> float:
    """Monotonic milliseconds of the machine, from any thread, never virtual.

    Only for watching the loop itself from outside; everything else asks its Clock.
    """
    return time.monotonic() * 1_000
