"""A wall around every task of a loop: what would end the process ends the task that raised it.

`sys.exit` in a plugin, at whatever place, is an error of that plugin. asyncio itself lets
SystemExit and KeyboardInterrupt of any task end the loop, and with it every call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from patter.application import no_exit


class Walled(Coroutine[Any, Any, Any]):
    """*coroutine*, which raises InternalError for what would end more than its task."""

    __slots__ = ("__name__", "__qualname__", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self.__name__ = getattr(coroutine, "__name__", type(coroutine).__name__)
        self.__qualname__ = getattr(coroutine, "__qualname__", self.__name__)

    def __getattr__(self, name: str) -> Any:
        # Debuggers and stacks of tasks look at frames.
        return getattr(self._coroutine, name)

    def send(self, value: Any) -> Any:
        try:
            return self._coroutine.send(value)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as raised:
            raise no_exit(raised) from raised

    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None, /) -> Any:
        try:
            if value is None and trace is None:
                return self._coroutine.throw(kind)
            return self._coroutine.throw(kind, value, trace)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as raised:
            raise no_exit(raised) from raised

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


@attrs.define(eq=False)
class _Wall:
    """The wall of one loop, which stands as long as anybody needs it; *before*: its factory."""

    before: Any
    users: int = 0

    def make(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:
        """A task for *work*; what is no coroutine is left to asyncio's own complaint."""
        walled = Walled(work) if isinstance(work, Coroutine) else work
        if self.before is None:
            return asyncio.Task(walled, loop=loop, **options)
        return self.before(loop, walled, **options)


_WALLS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Wall] = WeakKeyDictionary()


@contextmanager
def walled_tasks() -> Iterator[None]:
    """Build the wall around each task that the running loop makes while inside.

    Several servers of one loop share it, and the last one out takes it down.
    """
    loop = asyncio.get_running_loop()
    wall = _WALLS.get(loop)
    if wall is None:
        wall = _WALLS[loop] = _Wall(loop.get_task_factory())
        loop.set_task_factory(wall.make)
    wall.users += 1
    try:
        yield
    finally:
        wall.users -= 1
        if not wall.users:
            loop.set_task_factory(wall.before)
            del _WALLS[loop]
