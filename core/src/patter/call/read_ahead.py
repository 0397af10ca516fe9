"""A session that is read from its beginning, also while nobody waits for what it says.

A socket that nobody reads does not answer its vendor's pings, and is closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar, cast

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.errors import ProviderError

S = TypeVar("S")

UNREAD = 20_000
"""Events that may wait: an engine's greeting of minutes, in the smallest pieces vendors send."""


@asynccontextmanager
async def read_ahead(scope: AbstractAsyncContextManager[S]) -> AsyncIterator[S]:
    """The session of *scope*, whose events are read from now on and kept for who iterates it."""
    async with scope as session, task_scope() as tasks:
        ahead = ReadAhead(session)
        reading = tasks.create_task(ahead.read(), name="read-ahead")
        try:
            yield cast(S, ahead)
        finally:
            reading.cancel()


async def each_event(session: Any, receive: Callable[[Any], object]) -> None:
    """Call *receive* with each event of *session*, at once where that can `deliver` them.

    Iterating costs a turn of the loop for each task an event goes through.
    """
    deliver = getattr(session, "deliver", None)
    if deliver is not None:
        await deliver(receive)
        return
    async for event in session:
        receive(event)


@attrs.define(eq=False)
class ReadAhead(Generic[S]):
    """*session* in everything but its iteration, which begins with what was read before."""

    session: S
    _events: Mailbox[Any] = attrs.field(factory=lambda: Mailbox(UNREAD, Full.REFUSE), init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    async def read(self) -> None:
        """Read until the session ends; what it raises is raised to who iterates."""
        try:
            await each_event(self.session, self._keep)
        except Exception as failed:
            self._failure = failed
        finally:
            self._events.close()

    async def deliver(self, receive: Callable[[Any], object]) -> None:
        """Call *receive* with what was read before, and then with each event as it comes."""
        await self._events.deliver(receive)
        if self._failure is not None:
            raise self._failure

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for event in self._events:
            yield event
        if self._failure is not None:
            raise self._failure

    def _keep(self, event: Any) -> None:
        if not self._events.put(event):
            raise ProviderError(
                "nobody reads what the provider says, and it does not stop",
                fix="report it to the authors of the provider's plugin",
            )
