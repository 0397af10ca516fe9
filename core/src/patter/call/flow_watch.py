"""One timer for all lines whose audio flows, instead of one for each.

A line that brings a frame every 20 ms is never due, but a timer of its own would look at it ten
times a second. What all lines of an event loop share is armed for the earliest that could be due.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

import attrs


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
    """The lines of one event loop whose audio flows."""

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
