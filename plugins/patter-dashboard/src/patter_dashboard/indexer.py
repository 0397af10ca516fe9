"""Keeps the index up to date while pages are served: as calls end, and by a look now and then.

The first look is at everything. Later ones look at the newest days often and at the rest seldom;
what other processes record, and what is erased, is found so.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs

from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.observe.documents import moment
from patter_dashboard._work import Work
from patter_dashboard.index_file import IndexFile
from patter_dashboard.listing import call_of
from patter_dashboard.removed import restore
from patter_dashboard.sweep import Sweep, Swept

RECENT_DAYS = 2
EVERY_MS, ALL_EVERY = 5_000.0, 12
"""How long between two looks, and each how many of them is at everything."""
SOON_MS = (250.0, 750.0, 2_000.0)
"""A record gets its name a moment after its call has ended."""
log = logging.getLogger("patter.dashboard")


@attrs.define(eq=False)
class Indexer:
    """Sweeps *index*. *on_change(rows, gone)* hears of new calls, and of ids that are gone."""

    index: IndexFile
    work: Work
    on_change: Callable[[Sequence[Mapping[str, Any]], Sequence[str]], None] = lambda *_: None
    clock: Clock = attrs.field(factory=LoopClock)
    state: str = attrs.field(default="building", init=False)
    indexed: int = attrs.field(default=0, init=False)
    total: int = attrs.field(default=0, init=False)
    rebuilt_at: str | None = attrs.field(default=None, init=False)
    ready: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _poke: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _stop: threading.Event = attrs.field(factory=threading.Event, init=False)

    def as_data(self) -> dict[str, Any]:
        """How far it is."""
        return {"state": self.state, "indexed": self.indexed, "found": self.total}

    def poke(self) -> None:
        """A call has ended here: look soon."""
        self._poke.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Indexer]:
        """Keep it up to date while inside; it can be asked from the beginning."""
        await self._begin()
        async with task_scope() as tasks:
            sweeping = tasks.create_task(self._run(), name="dashboard-index")
            try:
                yield self
            finally:
                self._stop.set()
                sweeping.cancel()

    async def _run(self) -> None:
        await self._build()
        looks = 0
        while True:
            for wait_ms in await self._pause():
                await self.clock.sleep(wait_ms)
                await self.look(RECENT_DAYS)
            looks += 1
            if looks % ALL_EVERY == 0:
                await self.look(0)

    async def _pause(self) -> tuple[float, ...]:
        """Wait for the next look; how long before each of those that are due then."""
        try:
            async with asyncio.timeout(EVERY_MS / 1_000):
                await self._poke.wait()
        except TimeoutError:
            return (0.0,)
        self._poke.clear()
        return SOON_MS

    async def _begin(self) -> None:
        try:
            await self.work.sweep(self._prepare)
        except (OSError, sqlite3.Error) as problem:
            self.state = "off"
            log.error("there is no index of calls: %s", problem)

    async def _build(self) -> None:
        if self.state == "off":
            return
        await self.look(0)
        self.rebuilt_at = moment(self.clock.wall())
        self.state = "ready"
        self.ready.set()

    def _prepare(self) -> None:
        self.index.prepare()
        restore(self.index)

    async def look(self, days: int) -> None:
        """Bring the newest *days* days up to date, or all with 0."""
        if self.state == "off":
            return
        first = not self.ready.is_set()
        progress = self._progress if first else _silent
        sweep = Sweep(self.index, progress, self._stop.is_set)
        try:
            swept: Swept = await self.work.sweep(sweep.run, days)
            rows = await self.work.sweep(self._rows, () if first else swept.changed)
            self.indexed = await self.work.sweep(
                self.index.value, "SELECT count(*) FROM calls WHERE deleted = 0"
            )
        except (OSError, sqlite3.Error) as problem:
            # Another look comes; a disk that is full now may not be then.
            log.warning("the index of calls is not up to date: %s", problem)
            return
        self.total = max(swept.total, self.indexed) if days == 0 else self.total
        if not first and (swept.changed or swept.gone):
            self.on_change(rows, swept.gone)

    def _rows(self, changed: Sequence[str]) -> list[Mapping[str, Any]]:
        total = (call_of(self.index, each) for each in changed)
        return [each for each in total if each is not None and not each["erased"]]

    def _progress(self, indexed: int, total: int) -> None:
        # Called on the sweeping thread: two numbers that a page shows, nothing depends on both.
        self.indexed += indexed
        self.total = max(self.total, total)


def _silent(_: int, __: int) -> None:
    """Later looks are short: nobody watches them."""
