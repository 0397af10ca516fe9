"""Stops without hanging up on anybody: refuse new calls, finish old ones, say goodbye, stop.

The first request to stop means drain, the second stops at once; `patter.server.signals` makes
requests of signals. The goodbye itself is said by each call's turn engine, early enough to be heard
before the deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Protocol, TypeVar

import attrs

from patter.aio import task_scope

T = TypeVar("T")
log = logging.getLogger("patter.server")


class Calls(Protocol):
    """The calls to wait for."""

    @property
    def calls(self) -> tuple[str, ...]: ...

    def drain(self, in_ms: float) -> None: ...

    async def idle(self) -> None: ...

    def stop(self) -> None: ...


def _goodbye_fits(drain: Drain, _: object, value: int) -> None:
    if not 0 <= value <= drain.drain_ms:
        raise ValueError(f"goodbye_ms is {value}, but draining takes {drain.drain_ms} ms in all")


@attrs.frozen(kw_only=True)
class Drain:
    """How long old calls may go on, and how much of that is for the goodbye, in milliseconds."""

    drain_ms: int = attrs.field(default=30_000, validator=attrs.validators.ge(0))
    goodbye_ms: int = attrs.field(
        default=attrs.Factory(lambda self: min(8_000, self.drain_ms // 2), takes_self=True),
        validator=_goodbye_fits,
    )

    async def run(self, calls: Calls) -> bool:
        """Drain *calls*; True when all of them ended by themselves."""
        log.info("draining: %d calls, %g s left", len(calls.calls), self.drain_ms / 1_000)
        calls.drain(self.drain_ms - self.goodbye_ms)
        try:
            async with asyncio.timeout(self.drain_ms / 1_000):
                await calls.idle()
        except TimeoutError:
            log.warning("drained: %s cut at the deadline", _were(len(calls.calls)))
            calls.stop()
            return False
        log.info("drained: no call left")
        return True


@attrs.define(eq=False)
class Stopping:
    """Requests to stop: the first sets *drain*, the second sets *now*."""

    drain: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    now: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def ask(self) -> None:
        """Ask to stop; once more to stop at once."""
        if self.drain.is_set():
            self.now.set()
        self.drain.set()


def _were(count: int) -> str:
    return "1 call was" if count == 1 else f"{count} calls were"


async def unless_stopped(stopping: Stopping, work: Awaitable[T]) -> T | None:
    """What *work* gives; None when it was cancelled, because somebody asked to stop meanwhile."""
    limit = asyncio.timeout(None)

    async def watch() -> None:
        await stopping.drain.wait()
        limit.reschedule(asyncio.get_running_loop().time())

    async with task_scope() as tasks:
        watching = tasks.create_task(watch(), name="stop-opening")
        try:
            async with limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            return None
        finally:
            watching.cancel()


async def until_stopped(stopping: Stopping, drain: Drain, calls: Calls) -> bool:
    """Wait for a request to stop, then drain; True when no call was cut."""
    await stopping.drain.wait()
    async with task_scope() as tasks:
        draining = tasks.create_task(drain.run(calls), name="drain")
        hurry = tasks.create_task(stopping.now.wait(), name="stop-now")
        await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        hurry.cancel()
    if stopping.now.is_set() and calls.calls:
        log.warning("stopped at once: %s cut", _were(len(calls.calls)))
    calls.stop()
    return draining.done() and not draining.cancelled() and draining.result()
