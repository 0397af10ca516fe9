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

    *unused_s*: how long it may take to open, and how long it is held for somebody who may never
    come; *close_s*: how long it may take to close. A failure of the scope reaches the user as if
    it had entered the scope itself.
    """

    make: Callable[[], AbstractAsyncContextManager[S]]
    unused_s: float
    close_s: float = 2.0
    _opened: asyncio.Future[S] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _released: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _left: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _limit: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _unused: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _user: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)
    _cancelled: bool = attrs.field(default=False, init=False)

    @property
    def usable(self) -> bool:
        """Is it open, or being opened, for whoever comes first?"""
        return not (self._released.is_set() or self._left.is_set() or self._user)

    async def run(self) -> None:
        """Open it and hold it until it was used, or was not wanted; nothing is raised."""
        try:
            if not self._released.is_set():
                await self._open_and_hold()
        except Exception as failed:
            self._fail(failed)
        finally:
            self._fail_opening(_gone())
            self._left.set()

    def release(self) -> None:
        """Nobody wants it any more: it is closed, and what still opens is given up."""
        self._released.set()
        if not self._opened.done():
            self._bound(0.0)

    async def __aenter__(self) -> S:
        if self._failure is None and not self.usable:
            raise _gone()
        self._user = asyncio.current_task()
        if self._unused is not None and not self._unused.expired():
            self._unused.reschedule(None)
        try:
            return await asyncio.shield(self._opened)
        except BaseException:
            # Who was cancelled here never leaves, and would keep it for ever.
            self._user = None
            self.release()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        user, self._user = self._user, None
        self.release()
        if self._cancelled and user is not None:
            # A task group of the user may have swallowed it, and it would count as the call's end.
            user.uncancel()
            if self._failure is not None and kind is asyncio.CancelledError:
                raise self._failure
        await self._left.wait()
        if self._failure is not None and kind is None:
            raise self._failure

    async def _open_and_hold(self) -> None:
        async with asyncio.timeout(self.unused_s) as self._limit, self.make() as opened:
            self._opened.set_result(opened)
            self._bound(None)
            await self._held()
            self._bound(self.close_s)

    def _bound(self, within_s: float | None) -> None:
        if self._limit is not None and not self._limit.expired():
            loop = asyncio.get_running_loop()
            self._limit.reschedule(None if within_s is None else loop.time() + within_s)

    async def _held(self) -> None:
        try:
            async with asyncio.timeout(None if self._user else self.unused_s) as self._unused:
                await self._released.wait()
        except TimeoutError:
            self._released.set()

    def _fail(self, failed: Exception) -> None:
        self._failure = failed
        if self._opened.done() and self._user is not None:
            self._cancelled = self._user.cancel()
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
