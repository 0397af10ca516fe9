"""Structured concurrency: scopes that own tasks, bounded queues, deadlines."""

from __future__ import annotations

import asyncio
import contextvars
import types
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Generic, TypeVar

import attrs

from patter.errors import PatterTimeoutError

T = TypeVar("T")


@asynccontextmanager
async def task_scope() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a TaskGroup whose only failure is raised as itself, not wrapped in a group."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        # Callers catch PatterError; in a group of one it would pass them by.
        if len(group.exceptions) == 1:
            alone = group.exceptions[0]
            raise alone from alone.__cause__
        raise


@asynccontextmanager
async def deadline(within_s: float, message: str, *, fix: str) -> AsyncIterator[None]:
    """Raise PatterTimeoutError with *message* and *fix* when the body takes longer.

    TimeoutErrors that are the body's own pass through.
    """
    limit = asyncio.timeout(within_s)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise PatterTimeoutError(f"{message} within {within_s:g} s", fix=fix) from error


class OutOfTime(TimeoutError):
    """What was awaited by `in_time` took too long; its own TimeoutErrors are not of this class."""


async def in_time(work: Awaitable[T], within_s: float) -> T:
    """Await *work* and return its result. Raises OutOfTime after *within_s*.

    There is a timer only if it has to wait: a message that the kernel takes at once needs none.
    """
    begun = Begun(work)
    return begun.result if begun.done else await begun.rest(within_s)


class Begun(Generic[T]):
    """*work*, whose first step is taken at once, whoever awaits the `rest`. Raises what it does."""

    __slots__ = ("_steps", "_waits_for", "done", "result")

    def __init__(self, work: Awaitable[T]) -> None:
        self.result: T
        self._steps: Generator[Any, Any, T] = work.__await__()
        self.done = False
        try:
            self._waits_for = self._steps.send(None)
        except StopIteration as done:
            self.done, self.result = True, done.value

    async def rest(self, within_s: float) -> T:
        """Await what is not `done`, once, and return its result. Raises OutOfTime."""
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                return await _rest(self._steps, self._waits_for)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise OutOfTime from error


@types.coroutine
def _rest(steps: Generator[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """What is left of a coroutine that *waits_for* something."""
    try:
        while True:
            try:
                value = yield waits_for
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as thrown:
                waits_for = steps.throw(thrown)
            else:
                waits_for = steps.send(value)
    except StopIteration as done:
        result: T = done.value
        return result


class Full(Enum):
    """What a full queue does with the next item."""

    DROP_OLDEST = "drop oldest"
    REFUSE = "refuse"


@attrs.define(eq=False)
class Mailbox(Generic[T]):
    """A bounded queue that is filled without waiting and counts what it dropped.

    With `Full.REFUSE` nothing is ever lost: `put` returns False and the caller decides.
    Iteration ends when the box is closed and empty. One reader.
    """

    size: int
    full: Full = Full.DROP_OLDEST
    dropped: int = attrs.field(default=0, init=False)
    _items: deque[T] = attrs.field(factory=deque, init=False)
    _closed: bool = attrs.field(default=False, init=False)
    _reader: asyncio.Future[None] | None = attrs.field(default=None, init=False)
    _receive: Callable[[T], object] | None = attrs.field(default=None, init=False)

    def put(self, item: T) -> bool:
        """Add *item*; False when it was refused (full or closed)."""
        if self._closed:
            return False
        if self._receive is not None:
            self._hand_over(item, self._receive)
            return True
        if len(self._items) >= self.size:
            if self.full is Full.REFUSE:
                return False
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._wake()
        return True

    def close(self) -> None:
        """Accept nothing more; the reader gets what is there, then the end."""
        self._closed = True
        self._wake()

    def clear(self) -> None:
        """Throw away what nobody has read."""
        self._items.clear()

    def items(self) -> tuple[T, ...]:
        """What nobody has read yet, oldest first."""
        return tuple(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __aiter__(self) -> Mailbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._items.popleft()

    async def deliver(self, receive: Callable[[T], object]) -> None:
        """Call *receive* with each item, those to come as soon as they are put; until it is closed.

        It runs in this task's context, whoever puts. What it raises is raised here.
        """
        while self._items:
            receive(self._items.popleft())
        if self._closed:
            return
        context = contextvars.copy_context()
        self._reader = asyncio.get_running_loop().create_future()
        self._receive = lambda item: context.run(receive, item)
        try:
            await self._reader
        finally:
            self._receive = self._reader = None

    def _hand_over(self, item: T, receive: Callable[[T], object]) -> None:
        try:
            receive(item)
        except Exception as failed:
            self._receive = None
            if self._reader is not None and not self._reader.done():
                self._reader.set_exception(failed)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
