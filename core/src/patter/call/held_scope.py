"""A scope that is entered in a task of its own, so that whoever comes later may use what it gives.

A provider's scope has to be left by the task that entered it. What is opened while a phone rings
belongs to the task of the ringing; the call enters and leaves this in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, TypeVar

import attrs

from patter.errors import PatterConnectionError

S = TypeVar("S")


@attrs.define(eq=False)
class HeldScope(Generic[S]):
    """What *make* opens: `run` opens and holds it, one other task enters this to use it.

    *unused_s*: how long it is held for somebody who may never come. A failure of the scope
    reaches the user as if it had entered the scope itself.
    """

    make: Callable[[], AbstractAsyncContextManager[S]]
    unused_s: float
    _opened: asyncio.Future[S] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _released: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _left: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _unused: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _user: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)

    @property
    def usable(self) -> bool:
        """Is it open, or being opened, for whoever comes first?"""
        return not (self._released.is_set() or self._left.is_set() or self._user)

    async def run(self) -> None:
        """Open it and hold it until it was used, or was not wanted; nothing is raised."""
        try:
            async with self.make() as opened:
                if not self._opened.done():
                    self._opened.set_result(opened)
                await self._held()
        except Exception as failed:
            self._fail(failed)
        finally:
            self._fail_opening(_gone())
            self._left.set()

    def release(self) -> None:
        """Nobody wants it any more."""
        self._released.set()

    async def __aenter__(self) -> S:
        if self._failure is None and not self.usable:
            raise _gone()
        self._user = asyncio.current_task()
        if self._unused is not None and not self._unused.expired():
            self._unused.reschedule(None)
        return await asyncio.shield(self._opened)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        user, self._user = self._user, None
        self.release()
        if self._failure is not None and kind is asyncio.CancelledError and user is not None:
            # It was our own cancel, in place of the failure.
            user.uncancel()
            raise self._failure
        await self._left.wait()
        if self._failure is not None and kind is None:
            raise self._failure

    async def _held(self) -> None:
        try:
            async with asyncio.timeout(None if self._user else self.unused_s) as self._unused:
                await self._released.wait()
        except TimeoutError:
            self._released.set()

    def _fail(self, failed: Exception) -> None:
        self._failure = failed
        if self._opened.done() and self._user is not None:
            self._user.cancel()
        self._fail_opening(failed)

    def _fail_opening(self, failed: Exception) -> None:
        if not self._opened.done():
            self._opened.set_exception(failed)
            # Retrieved at once: nobody may ever come for it.
            self._opened.exception()


def _gone() -> PatterConnectionError:
    return PatterConnectionError(
        "what was opened while it rang is closed", fix="nothing to set: the call opens another"
    )
