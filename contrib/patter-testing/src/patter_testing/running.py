"""The event loop of one test: its fixtures and its body run on it, and nothing outlives it.

What is left when the test is over fails it by name: tasks nobody ended, and failures in
tasks or callbacks that nobody looked at.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter_testing.watchdog import watchdog

_ASYNCIO = str(Path(asyncio.__file__).parent)

BLOCKED_S = 5.0
"""Real seconds after its timeout at which a test is ended whose loop does not notice that."""

GRACE_S = 5.0
"""Real seconds a task may need to notice that its connection is closed."""


@attrs.define(eq=False)
class TestLoop:
    """A loop, made when first needed; *timeout_s* bounds the test and each fixture step."""

    __test__ = False

    timeout_s: float
    virtual: bool = False
    _runner: asyncio.Runner | None = attrs.field(default=None, init=False)
    _context: contextvars.Context = attrs.field(factory=contextvars.copy_context, init=False)
    _fixtures: list[asyncio.Task[None]] = attrs.field(factory=list, init=False)
    _unseen: list[str] = attrs.field(factory=list, init=False)

    def run_test(self, test: Callable[[], Awaitable[object]]) -> None:
        """Run a test body; what it left is checked here unless fixtures still hold things."""
        self._run(test)
        if not self._fixtures:
            self.check_nothing_left()

    def run_fixture(self, fixture: Callable[[], Awaitable[Any]]) -> Any:
        return self._run(fixture)

    def enter_fixture(self, steps: AsyncGenerator[Any, None]) -> tuple[Any, Callable[[], None]]:
        """Run *steps* to its yield, in a task of its own so that scopes may span the yield."""
        release = asyncio.Event()
        value, task = self._run(lambda: self._start(steps, release))

        async def finish() -> None:
            release.set()
            await task

        def leave() -> None:
            self._run(finish)

        self._fixtures.append(task)
        return value, leave

    async def _start(
        self, steps: AsyncGenerator[Any, None], release: asyncio.Event
    ) -> tuple[Any, asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Any] = loop.create_future()
        hosting = _host(steps, ready, release)
        task = loop.create_task(hosting, name="fixture", context=self._context)
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await task
        return ready.result(), task

    def check_nothing_left(self) -> None:
        """Fail when a task is still running or a failure was not looked at."""
        if self._runner is None:
            return
        left = self._runner.run(self._left(), context=self._context)
        if left:
            pytest.fail("tasks left running: " + "; ".join(left), pytrace=False)
        if self._unseen:
            unseen, self._unseen = self._unseen, []
            pytest.fail("failures nobody looked at: " + "; ".join(unseen), pytrace=False)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()

    def _run(self, make: Callable[[], Awaitable[Any]]) -> Any:
        if self._runner is None:
            self._runner = asyncio.Runner(debug=False, loop_factory=self._make_loop)
        with nullcontext() if self.virtual else watchdog(self.timeout_s + BLOCKED_S):
            return self._runner.run(self._bounded(make), context=self._context)

    async def _bounded(self, make: Callable[[], Awaitable[Any]]) -> Any:
        if self.virtual:
            return await make()
        loop, stuck = asyncio.get_running_loop(), list[str]()
        limit = asyncio.timeout(None)

        def expire() -> None:
            stuck.append(_where())
            limit.reschedule(loop.time())

        timer = loop.call_later(self.timeout_s, expire)
        try:
            async with limit:
                return await make()
        except TimeoutError:
            if not stuck:
                raise
        finally:
            timer.cancel()
        pytest.fail(f"took longer than {self.timeout_s:g} s; waiting:\n{stuck[0]}", pytrace=False)

    def _make_loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop
        if self.virtual:
            from patter_testing.clock import VirtualLoop

            loop = VirtualLoop(patience_s=self.timeout_s)
        else:
            loop = asyncio.new_event_loop()
        loop.set_exception_handler(self._remember)
        return loop

    def _remember(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._unseen.append(f"{context['message']} ({error!r})" if error else context["message"])

    async def _left(self) -> list[str]:
        ours = {asyncio.current_task(), *self._fixtures}
        for _ in range(5):
            await asyncio.sleep(0)
        left = {task for task in asyncio.all_tasks() if task not in ours}
        if left and not self.virtual:
            await asyncio.wait(left, timeout=GRACE_S)
        return sorted(_named(task) for task in left if not task.done())


async def _host(
    steps: AsyncGenerator[Any, None], ready: asyncio.Future[Any], release: asyncio.Event
) -> None:
    """Own an async fixture from its first step to its last."""
    ready.set_result(await anext(steps))
    try:
        await release.wait()
    except BaseException as error:
        await steps.athrow(error)
        raise
    try:
        await anext(steps)
    except StopAsyncIteration:
        return
    raise RuntimeError("an async fixture must yield once")


def _named(task: asyncio.Task[Any]) -> str:
    coroutine: Coroutine[Any, Any, Any] | Any = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', coroutine)})"


def _where() -> str:
    """Where each task waits: the innermost line of its chain of awaits."""
    return "\n".join(sorted(f"  {_named(task)} {_line(task)}" for task in asyncio.all_tasks()))


def _line(task: asyncio.Task[Any]) -> str:
    awaited: Any = task.get_coro()
    place = ""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None and not frame.f_code.co_filename.startswith(_ASYNCIO):
            place = f"at {frame.f_code.co_filename}:{frame.f_lineno}"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return place
