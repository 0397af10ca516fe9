"""Virtual time: a loop that never waits for a timer, it moves its clock to it.

Code that waits through its loop cannot tell the difference, so half an hour passes in
milliseconds and twice the same way. Work in threads still takes real time, during which
virtual time stands still.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

import attrs

from patter.clock import Timer
from patter.errors import InternalError, PatterConfigError, PatterTimeoutError

T = TypeVar("T")

START_WALL = 1_767_225_600.0
"""2026-01-01 00:00 UTC: the date on which virtual time begins by default."""


class _Jump(selectors.DefaultSelector):
    """A selector that moves its loop's clock instead of waiting."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events: list[tuple[selectors.SelectorKey, int]]
        events = self.loop._next(super().select, timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time` is virtual and starts at 0.

    *patience_s* is how many real seconds it may run altogether; then, and when nothing is
    left that could ever happen, it raises instead of hanging. Sockets are refused.
    """

    def __init__(self, *, patience_s: float = 60.0, start_wall: float = START_WALL) -> None:
        self._now, self._away = 0.0, 0
        self._patience_s, self._deadline = patience_s, time.monotonic() + patience_s
        self._jump = _Jump()
        self._jump.loop = self
        self.start_wall = start_wall
        super().__init__(self._jump)

    def time(self) -> float:
        return self._now

    def wall(self) -> float:
        """Seconds since 1970 in virtual time."""
        return self.start_wall + self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run *func* in a thread; virtual time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._away += 1
        future.add_done_callback(self._came_back)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._away += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._away -= 1

    def _came_back(self, _: object) -> None:
        self._away -= 1

    def _next(self, select: Callable[[float | None], Any], timeout: float | None) -> Any:
        """What `select` returns: at once, after a jump to the next timer, or after a thread."""
        ready = select(0)
        self._check_patience()
        if ready or timeout == 0:
            return ready
        if self._away:
            return select(max(0.0, self._deadline - time.monotonic()))
        if timeout is None:
            self._never()
            return ready
        # call_at rounds; landing a hair before the timer would make the loop come back for it
        self._now = max(self._now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        return ready

    def _check_patience(self) -> None:
        if time.monotonic() < self._deadline:
            return
        self._renew()
        raise PatterTimeoutError(
            f"virtual time ran for {self._patience_s:g} real seconds and is at {self._now:.3f} s",
            fix="look for something that repeats for ever while the test waits for a thing"
            " that never comes",
        )

    def _never(self) -> None:
        if self._stopping:  # type: ignore[attr-defined]
            return
        self._renew()
        names = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self)))
        raise InternalError(
            f"nothing will ever happen again at virtual time {self._now:.3f} s; waiting: {names}",
            fix="something waits for an event nobody will send; a real socket or a thread of"
            " one's own does not work in virtual time",
        )

    def _renew(self) -> None:
        """Having complained once, leave time for the loop to be closed."""
        self._deadline = time.monotonic() + self._patience_s

    async def sock_connect(self, *args: Any) -> None:
        _no_sockets("connect to", args[1])

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        _no_sockets("connect to", args[1:3] or kwargs)

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        _no_sockets("listen on", args[1:3] or kwargs)

    async def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> Any:
        _no_sockets("open a datagram socket to", args[1:3] or kwargs)


def _no_sockets(what: str, where: object) -> None:
    raise PatterConfigError(
        f"a virtual loop cannot {what} {where!r}: the network does not run on virtual time",
        fix="use the in-memory fakes of patter.testing, or run this test on a real loop",
    )


@attrs.frozen
class VirtualClock:
    """`patter.clock.Clock` on a virtual loop: the date moves with the loop's time too."""

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000

    def wall(self) -> float:
        loop = asyncio.get_running_loop()
        return loop.wall() if isinstance(loop, VirtualLoop) else START_WALL + loop.time()

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_at(ms / 1_000, callback)

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(max(0.0, ms) / 1_000)


def run_virtual(
    main: Coroutine[Any, Any, T], *, start_wall: float = START_WALL, patience_s: float = 60.0
) -> T:
    """Run *main* to its end in virtual time and return what it returns.

    Raises InternalError when nothing could ever happen again, PatterTimeoutError when it is
    still going after *patience_s* real seconds.
    """

    def make_loop() -> VirtualLoop:
        return VirtualLoop(patience_s=patience_s, start_wall=start_wall)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(main)
