"""A session that is read from its beginning, also while nobody waits for what it says.

A socket that nobody reads does not answer its vendor's pings, and is closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
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
        events: Any = self.session
        try:
            async for event in events:
                if not self._events.put(event):
                    raise ProviderError(
                        "nobody reads what the provider says, and it does not stop",
                        fix="report it to the authors of the provider's plugin",
                    )
        except Exception as failed:
            self._failure = failed
        finally:
            self._events.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for event in self._events:
            yield event
        if self._failure is not None:
            raise self._failure
