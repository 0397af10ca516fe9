"""Threads for functions of the application, apart from those that voices and recognisers use.

A function may block for as long as it likes. So there are bounds: of threads in the process, and
of threads that one call may take, behind which its own functions queue and nobody else's. The
threads are daemons: one that never comes back does not keep the process from ending.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import attrs

T = TypeVar("T")
THREADS, THREADS_PER_CALL = 64, 4
IDLE_S = 30.0
"""How long a thread without work waits for some."""


@attrs.frozen(eq=False)
class Job:
    """*work* of *owner*, whose result is wanted as long as *future* is not cancelled."""

    owner: str
    work: Callable[[], Any]
    future: Future[Any] = attrs.field(factory=Future)

    def run(self) -> None:
        """Do it, unless it was cancelled meanwhile."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.work()
        except BaseException as raised:
            # Whatever it is, it is the function's: here it would end a thread of everybody's.
            self.future.set_exception(raised)
        else:
            self.future.set_result(result)


@attrs.define(eq=False)
class ThreadPool:
    """Runs the jobs of many owners: at most *threads* at once, *each* of one owner.

    Jobs that wait are begun in their order, but past those whose owner has enough running.
    """

    threads: int = THREADS
    each: int = THREADS_PER_CALL
    idle_s: float = IDLE_S
    _jobs: deque[Job] = attrs.field(factory=deque, init=False)
    _running: Counter[str] = attrs.field(factory=Counter, init=False)
    _count: int = attrs.field(default=0, init=False)
    _idle: int = attrs.field(default=0, init=False)
    _changed: threading.Condition = attrs.field(factory=threading.Condition, init=False)

    def of(self, owner: str) -> OwnThreads:
        """The threads as an executor for *owner*, the id of a call."""
        return OwnThreads(self, owner)

    def add(self, job: Job) -> None:
        """Run *job* when there is a thread for it."""
        with self._changed:
            # A call whose threads hang would collect what it has long given up on.
            self._jobs = deque(each for each in self._jobs if not each.future.cancelled())
            self._jobs.append(job)
            own = sum(each.owner == job.owner for each in self._jobs) + self._running[job.owner]
            if len(self._jobs) > self._idle and self._count < self.threads and own <= self.each:
                self._start()
            self._changed.notify()

    def _start(self) -> None:
        self._count += 1
        threading.Thread(target=self._work, name="patter-application", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            with self._changed:
                self._running[job.owner] -= 1
                if not self._running[job.owner]:
                    del self._running[job.owner]
            # Or an idle thread would keep the last result, and all it refers to.
            del job

    def _next(self) -> Job | None:
        """Wait for a job that may be begun; None when there was none for so long."""
        with self._changed:
            while (job := self._take()) is None:
                self._idle += 1
                woken = self._changed.wait(self.idle_s)
                self._idle -= 1
                if not woken and (job := self._take()) is None:
                    self._count -= 1
                    return None
                if job is not None:
                    break
            return job

    def _take(self) -> Job | None:
        for index, job in enumerate(self._jobs):
            if self._running[job.owner] < self.each:
                del self._jobs[index]
                self._running[job.owner] += 1
                return job
        return None


@attrs.frozen(eq=False)
class OwnThreads(Executor):
    """The share that *owner* has of *pool*."""

    pool: ThreadPool
    owner: str

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run *work*; cancelling the future helps until it has begun."""
        job = Job(self.owner, lambda: work(*args, **kwargs))
        self.pool.add(job)
        return job.future


POOL = ThreadPool()
"""The one of the process."""
