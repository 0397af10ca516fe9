"""Structured concurrency: scopes that own tasks, bounded queues, deadlines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Generic, TypeVar

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

    def put(self, item: T) -> bool:
        """Add *item*; False when it was refused (full or closed)."""
        if self._closed:
            return False
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

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
