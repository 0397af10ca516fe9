"""Threads of the dashboard's own: whatever reads a disk does it there, bounded in time.

A few, so that somebody who asks for a year of calls takes nothing from callers' threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import attrs

from patter.aio import deadline

T = TypeVar("T")
THREADS, WITHIN_S = 3, 30.0


def _pool(name: str, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix=f"patter-dashboard-{name}")


@attrs.define(eq=False)
class Work:
    """*answering* answers requests; *sweeping*, one thread, keeps the index up to date.

    *figuring*, one thread too, sums up thousands of calls: each thread keeps the memory of that.
    """

    answering: ThreadPoolExecutor = attrs.field(factory=partial(_pool, "answer", THREADS))
    sweeping: ThreadPoolExecutor = attrs.field(factory=partial(_pool, "sweep", 1))
    figuring: ThreadPoolExecutor = attrs.field(factory=partial(_pool, "figures", 1))

    async def answer(self, function: Callable[..., T], *arguments: Any) -> T:
        """What *function* returns, within 30 s. Raises PatterTimeoutError."""
        return await _in_time(self.answering, function, *arguments)

    async def figure(self, function: Callable[..., T], *arguments: Any) -> T:
        """As `answer`, one after another."""
        return await _in_time(self.figuring, function, *arguments)

    async def sweep(self, function: Callable[..., T], *arguments: Any) -> T:
        """What *function* returns; it looks by itself whether it should stop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.sweeping, function, *arguments)

    def close(self) -> None:
        """Begin nothing more; what runs is not waited for."""
        self.answering.shutdown(wait=False, cancel_futures=True)
        self.sweeping.shutdown(wait=False, cancel_futures=True)
        self.figuring.shutdown(wait=False, cancel_futures=True)


async def _in_time(pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
    loop = asyncio.get_running_loop()
    async with deadline(WITHIN_S, "the dashboard has no answer", fix="ask for fewer calls"):
        return await loop.run_in_executor(pool, function, *arguments)
