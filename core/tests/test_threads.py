"""Functions of the application have their own threads: so many and no more, also for one call."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from patter.application import result_of
from patter.errors import InternalError
from patter.threads import Job, ThreadPool

WAIT_S = 10.0


class Gate:
    """Work that waits to be let go, and who is in it."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside: list[str] = []
        self.entered = threading.Semaphore(0)

    def work(self, name: str) -> Callable[[], str]:
        def run() -> str:
            self.inside.append(name)
            self.entered.release()
            assert self.open.wait(WAIT_S)
            return name

        return run

    def entries(self, count: int) -> list[str]:
        for _ in range(count):
            assert self.entered.acquire(timeout=WAIT_S)
        return sorted(self.inside)


def test_one_owner_has_so_many_threads_and_others_pass_by() -> None:
    pool, gate = ThreadPool(threads=8, each=2), Gate()
    greedy = [pool.of("a").submit(gate.work("a")) for _ in range(20)]
    other = pool.of("b").submit(gate.work("b"))
    assert gate.entries(3) == ["a", "a", "b"]
    assert pool._count == 3
    gate.open.set()
    assert [each.result(WAIT_S) for each in greedy] == ["a"] * 20
    assert other.result(WAIT_S) == "b"


def test_the_process_has_so_many_threads() -> None:
    pool, gate = ThreadPool(threads=3, each=2), Gate()
    futures = [pool.of(str(n)).submit(gate.work(str(n))) for n in range(9)]
    assert gate.entries(3) == ["0", "1", "2"]
    assert pool._count == 3
    gate.open.set()
    assert [each.result(WAIT_S) for each in futures] == [str(n) for n in range(9)]
    assert pool._count == 3 and not pool._running


def test_what_was_given_up_before_it_began_is_never_done() -> None:
    pool, gate = ThreadPool(threads=1, each=1), Gate()
    first = pool.of("a").submit(gate.work("a"))
    gate.entries(1)
    second, third = (pool.of("a").submit(gate.work(name)) for name in ("b", "c"))
    assert second.cancel() and not first.cancel()
    pool.of("a").submit(gate.work("d"))
    assert len(pool._jobs) == 2
    gate.open.set()
    assert third.result(WAIT_S) == "c" and "b" not in gate.inside


def test_a_thread_without_work_ends_and_keeps_nothing() -> None:
    pool = ThreadPool(threads=2, each=2, idle_s=0.01)

    class Big:
        pass

    made = pool.of("a").submit(Big)
    gone = weakref.ref(made.result(WAIT_S))
    del made
    for thread in threading.enumerate():
        if thread.name == "patter-application" and thread.daemon:
            thread.join(0.2)
    gc.collect()
    assert gone() is None and pool._count == 0
    assert pool.of("a").submit(lambda: 1).result(WAIT_S) == 1


def test_a_job_that_raises_anything_leaves_its_thread_alive() -> None:
    pool = ThreadPool(threads=1)
    for raised in (SystemExit(1), KeyboardInterrupt(), ValueError("x")):

        def fail(raised: BaseException = raised) -> None:
            raise raised

        job = Job("a", fail)
        pool.add(job)
        assert job.future.exception(WAIT_S) is raised
    assert pool.of("a").submit(lambda: 1).result(WAIT_S) == 1


NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")


async def test_a_function_in_a_thread_has_the_context_of_who_called_it() -> None:
    NAME.set("Ann")
    assert await result_of(lambda: NAME.get(), owner="c") == "Ann"


async def test_voices_have_threads_while_functions_block() -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as tasks:
        for call in range(12):
            tasks.create_task(result_of(gate.work(str(call)), owner=str(call)))
        await asyncio.to_thread(gate.entries, 12)
        assert await asyncio.to_thread(lambda: "voice") == "voice"
        gate.open.set()


async def test_what_a_function_returns_is_awaited_and_made_where_it_ran() -> None:
    async def later() -> str:
        return "later"

    class Asks:
        async def __call__(self) -> str:
            return threading.current_thread().name

    main = threading.current_thread().name
    assert await result_of(lambda: later(), owner="c") == "later"
    assert await result_of(Asks(), owner="c") == main
    name = await result_of(
        lambda: 1, owner="c", made=lambda one: (one, threading.current_thread().name)
    )
    assert name == (1, "patter-application")


async def test_an_exit_of_a_function_is_an_error_that_says_so() -> None:
    def leave() -> None:
        raise SystemExit("enough")

    with pytest.raises(InternalError, match="it tried to exit with 'enough'") as caught:
        await result_of(leave, owner="c")
    assert "sys.exit" in caught.value.fix
