"""Calling the application's functions beside a call: in order, for a bounded time, harming nobody.

Sync ones run in a thread. One that raises or takes too long is logged with the call's id; one
that clings to its cancellation is let go of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeAlias

import attrs

from patter.aio import Mailbox
from patter.application import result_of

LIMIT_S = 10.0
CLEANUP_S = 1.0
"""A function that is cancelled may tidy up for so long."""
WAITING = 1_000
INSIDE: ContextVar[bool] = ContextVar("patter_inside_callback", default=False)
"""True in a callback: what waits for the end of all calls must not be waited for there."""
News: TypeAlias = tuple[str, Callable[[Any], Any], Callable[[], Any], Callable[[], bool]]
log = logging.getLogger("patter.phone.callbacks")


async def called(
    name: str, callback: Callable[[Any], Any], call_id: str, data: Any, limit_s: float = LIMIT_S
) -> Any:
    """What *callback* returns; None, and a log line, when it raises or takes over *limit_s*."""
    token = INSIDE.set(True)
    try:
        async with asyncio.timeout(limit_s):
            return await _Mortal(result_of(callback, data, owner=call_id))
    except Exception:
        log.exception("call %s: %s failed", call_id, name)
        return None
    finally:
        INSIDE.reset(token)


@attrs.define(eq=False)
class Delivery:
    """What the functions of an application are to be called with, for one call.

    `run` calls them one after the other; the oldest news are dropped when they cannot keep up.
    """

    call_id: str = ""
    _news: Mailbox[News] = attrs.field(factory=lambda: Mailbox(WAITING), init=False)

    def put(
        self,
        name: str,
        callback: Callable[[Any], Any],
        make: Callable[[], Any],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have *callback* called with what *make* returns when its turn has come, if *wanted*."""
        self._news.put((name, callback, make, wanted))

    async def run(self) -> None:
        """Call them as there is news, until `finish`."""
        async for name, callback, make, wanted in self._news:
            if wanted():
                await called(name, callback, self.call_id, make())

    def finish(self) -> None:
        """There will be no more news."""
        self._news.close()


class _Mortal:
    """Awaits *coroutine*, which cannot outlive its cancellation by more than `CLEANUP_S`."""

    __slots__ = ("_coroutine", "_due", "_timer")

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self._due = False
        self._timer: asyncio.TimerHandle | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            waits = self._coroutine.send(None)
            while True:
                try:
                    value = yield waits
                except asyncio.CancelledError as cancelled:
                    waits = self._cancelled(cancelled)
                else:
                    waits = self._coroutine.send(value)
        except StopIteration as finished:
            return finished.value
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._close()

    def _cancelled(self, cancelled: asyncio.CancelledError) -> Any:
        task = asyncio.current_task()
        assert task is not None, "only tasks are cancelled"
        if self._due:
            # This one was ours: whoever cancelled first finds the task as they left it.
            task.uncancel()
            raise cancelled
        waits = self._coroutine.throw(cancelled)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CLEANUP_S, self._insist, task)
        return waits

    def _close(self) -> None:
        # One that does not even end when it is closed is left where it stands.
        with suppress(Exception):
            self._coroutine.close()

    def _insist(self, task: asyncio.Task[Any]) -> None:
        self._due = True
        task.cancel()
