"""One thread that writes files, so that nobody on the path of a call waits for a disk.

Filling a lane appends to a bounded queue and returns; the thread looks at its lanes ten
times a second. A disk that stalls fills the lane, what no longer fits is counted.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")
PACE_S, EXIT_S = 0.1, 30.0
log = logging.getLogger("patter.observe")


@attrs.define(eq=False)
class Lane(Generic[T]):
    """A bounded way to the writing thread for one file.

    *write* gets what was put, in order, on the thread; *close* runs there once, last. A
    failing *write* is logged once and ends the writing, never the call.
    """

    size: int
    write: Callable[[list[T]], None]
    close: Callable[[], None]
    dropped: int = attrs.field(default=0, init=False)
    failed: bool = attrs.field(default=False, init=False)
    done: Future[None] = attrs.field(factory=Future, init=False)
    _items: deque[T] = attrs.field(factory=deque, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def put(self, item: T) -> bool:
        """Queue *item*; False, and counted, when the lane is full or was ended."""
        if self._ended or len(self._items) >= self.size:
            self.dropped += 1
            return False
        self._items.append(item)
        return True

    @property
    def room(self) -> int:
        """How many items still fit."""
        return self.size - len(self._items)

    def drain(self) -> bool:
        """Write what is there; on the thread. True when this lane is finished."""
        ended = self._ended
        if items := [self._items.popleft() for _ in range(len(self._items))]:
            self._try(lambda: self.write(items))
        if ended and not self._items:
            self._try(self.close)
            self.done.set_result(None)
        return self.done.done()

    def end(self) -> None:
        """Nothing more will be put."""
        self._ended = True

    def _try(self, work: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            work()
        except Exception:
            self.failed = True
            log.exception("a call's file cannot be written; the call goes on without it")


@attrs.define(eq=False)
class Background:
    """The writing thread; it lives while it has lanes. Share one per process."""

    _lanes: list[Lane[Any]] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _wake: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def lane(
        self, write: Callable[[list[T]], None], close: Callable[[], None], size: int
    ) -> Lane[T]:
        """Open a lane of at most *size* waiting items."""
        lane = Lane(size, write, close)
        with self._lock:
            self._lanes.append(lane)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="patter-files", daemon=True)
                self._thread.start()
        return lane

    def run(self, job: Callable[[], object]) -> None:
        """Do *job* on the thread, some time soon."""

        def once() -> None:
            job()

        self.lane(lambda _: None, once, 0).end()
        self._wake.set()

    def end(self, lane: Lane[Any]) -> None:
        """Finish *lane*, now rather than at the next look."""
        lane.end()
        self._wake.set()

    async def ended(self, lane: Lane[Any], within_s: float) -> bool:
        """Finish *lane* and wait for it, off the loop; False when it took longer."""
        self.end(lane)
        try:
            async with asyncio.timeout(within_s):
                await asyncio.shield(asyncio.wrap_future(lane.done))
        except TimeoutError:
            return False
        return True

    def settle(self, within_s: float = EXIT_S) -> None:
        """Finish every lane, waiting for the disk no longer than *within_s*."""
        thread = self._thread
        for lane in tuple(self._lanes):
            self.end(lane)
        if thread is not None:
            thread.join(within_s)

    def _run(self) -> None:
        while True:
            self._wake.wait(PACE_S)
            self._wake.clear()
            finished = [lane for lane in tuple(self._lanes) if lane.drain()]
            with self._lock:
                self._lanes[:] = [lane for lane in self._lanes if lane not in finished]
                if not self._lanes:
                    self._thread = None
                    return


FILES = Background()
"""The thread of this process."""

atexit.register(FILES.settle)
