"""One thread that writes files, so that nobody on the path of a call waits for a disk.

Each file has a bounded queue of its own: putting appends and returns, and the thread empties
them ten times a second. A disk that stalls fills a queue; what no longer fits is counted.
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

from patter.errors import PatterError

T = TypeVar("T")
PACE_S, EXIT_S = 0.1, 30.0
log = logging.getLogger("patter.observe")


@attrs.define(eq=False)
class WriteQueue(Generic[T]):
    """The bounded queue of what is to be written to one file.

    *write* gets what was put, in order, on the thread; *close* runs there once, last. A
    failing one is logged once and ends the writing, never the call; *release* then closes what
    is open.
    """

    size: int
    write: Callable[[list[T]], None]
    close: Callable[[], None]
    release: Callable[[], None] = lambda: None
    dropped: int = attrs.field(default=0, init=False)
    failed: bool = attrs.field(default=False, init=False)
    done: Future[None] = attrs.field(factory=Future, init=False)
    _items: deque[T] = attrs.field(factory=deque, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def put(self, item: T) -> bool:
        """Queue *item*; False, and counted, when the queue is full or was ended."""
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
        """Write what is there; on the thread. True when this queue is finished."""
        ended = self._ended
        # As many as there are now, without a lock: the call only appends, at the other end.
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
        # Whatever it is: the thread writes for all calls, and ends with no one of them.
        except BaseException as problem:
            self.failed = True
            _report(problem)
            self._release()

    def _release(self) -> None:
        try:
            self.release()
        except BaseException as problem:
            _report(problem)


def _report(problem: BaseException) -> None:
    """Log *problem*; where it was raised matters only when it is not the disk's."""
    log.error(
        "a call's file cannot be written; the call goes on without it: %s",
        problem,
        exc_info=None if isinstance(problem, OSError | PatterError) else problem,
    )


@attrs.define(eq=False)
class FileWriter:
    """The writing thread, called *name*; it lives while it has queues. Share one per process."""

    name: str = "patter-files"
    _queues: list[WriteQueue[Any]] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _wake: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def queue(
        self,
        write: Callable[[list[T]], None],
        close: Callable[[], None],
        size: int,
        release: Callable[[], None] = lambda: None,
    ) -> WriteQueue[T]:
        """Open a queue of at most *size* waiting items."""
        queue = WriteQueue(size, write, close, release)
        with self._lock:
            self._queues.append(queue)
            if self._thread is None:
                # A daemon: at exit Python would wait for any other as long as the disk hangs.
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
        return queue

    def run(self, job: Callable[[], object]) -> None:
        """Do *job* on the thread, some time soon."""

        def once() -> None:
            job()

        self.queue(lambda _: None, once, 0).end()
        self.wake()

    def end(self, queue: WriteQueue[Any]) -> None:
        """Finish *queue*, and wake the thread instead of waiting for its next round."""
        queue.end()
        self.wake()

    def wake(self) -> None:
        """Let the thread write now what waits."""
        self._wake.set()

    async def finish(self, queue: WriteQueue[Any], within_s: float) -> bool:
        """Finish *queue* and wait for it, off the loop; False when it took longer."""
        self.end(queue)
        return await settled(queue.done, within_s)

    def settle(self, within_s: float = EXIT_S) -> None:
        """Finish every queue, waiting for the disk no longer than *within_s*."""
        # Read first: the thread forgets itself as soon as its last queue is finished.
        thread = self._thread
        for queue in tuple(self._queues):
            self.end(queue)
        if thread is not None:
            thread.join(within_s)

    def _run(self) -> None:
        while True:
            self._wake.wait(PACE_S)
            self._wake.clear()
            finished = [queue for queue in tuple(self._queues) if queue.drain()]
            # Ends under the lock: a queue opened meanwhile is seen here, or starts a thread.
            with self._lock:
                self._queues[:] = [queue for queue in self._queues if queue not in finished]
                if not self._queues:
                    self._thread = None
                    return


async def settled(work: Future[None], within_s: float) -> bool:
    """Wait for *work* of the thread, off the loop; False when it takes longer."""
    try:
        async with asyncio.timeout(within_s):
            # Shielded: a wait that is over must not cancel the future that the thread will set.
            await asyncio.shield(asyncio.wrap_future(work))
    except TimeoutError:
        return False
    return True


FILE_WRITER = FileWriter()
"""The thread of this process that writes for calls."""

HOUSEKEEPER = FileWriter(name="patter-housekeeping")
"""Removes and mends what other calls left, so that no call waits for that; not waited for at exit.
"""

atexit.register(FILE_WRITER.settle)
