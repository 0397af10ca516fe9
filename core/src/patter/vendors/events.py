"""The events of a session on their way from the task that reads to whoever iterates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import attrs

from patter.aio import Mailbox, task_scope
from patter.errors import PatterConnectionError, PatterError

E = TypeVar("E")
UNREAD = 4_000


@attrs.define(eq=False)
class SessionEvents(Generic[E]):
    """A bounded queue that ends in order, or with the error that ended the session.

    *vendor* is named in errors. Who asks a session that is over is told why (`check_open`).
    """

    vendor: str
    _events: Mailbox[E] = attrs.field(factory=lambda: Mailbox(UNREAD), init=False)
    _failure: PatterError | None = attrs.field(default=None, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def put(self, *events: E) -> None:
        """Let *events* be read."""
        for event in events:
            self._events.put(event)

    def fail(self, error: PatterError) -> None:
        """The connection is of no use any more; the first error counts."""
        self._failure = self._failure or error
        self._events.close()

    def end(self) -> None:
        """The call is over: nothing is read any more."""
        self._ended = True
        self._events.clear()
        self._events.close()

    @property
    def over(self) -> PatterError | None:
        """Why the session is over, for whoever waits for more than events; None while it lasts."""
        if self._failure is None and self._ended:
            return PatterConnectionError(
                f"this session of {self.vendor} has ended", fix="open another one"
            )
        return self._failure

    def check_open(self) -> None:
        """Raise PatterError when the session is over."""
        if (why := self.over) is not None:
            raise why

    async def guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* for as long as the session lasts; its failure is for who reads."""
        try:
            await work()
        except PatterError as error:
            self.fail(error)

    @asynccontextmanager
    async def working(self, *work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Do all of *work*, `guarded`, while inside; then the call is over."""
        async with task_scope() as tasks:
            running = [tasks.create_task(self.guarded(each), name=self.vendor) for each in work]
            try:
                yield
            finally:
                self.end()
                for task in running:
                    task.cancel()

    async def deliver(self, receive: Callable[[E], object]) -> None:
        """As iterating, but *receive* is called in the tick in which an event is `put`."""
        await self._events.deliver(receive)
        self._raise_failure()

    async def __aiter__(self) -> AsyncIterator[E]:
        async for event in self._events:
            yield event
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None and not self._ended:
            raise self._failure
