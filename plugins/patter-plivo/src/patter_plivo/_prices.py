"""What calls cost, as Plivo tells it when they hang up: kept until asked for, and not for ever."""

from __future__ import annotations

import asyncio

import attrs

from patter_plivo._memory import Memory

WAIT_S = 1.0
"""How long the hang-up may take to tell: a call waits 2 s for its price in all."""


@attrs.define(eq=False)
class Prices:
    """The prices that came; one that did not is waited for *wait_s*."""

    wait_s: float = WAIT_S
    known: Memory[float] = attrs.field(factory=Memory)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def told(self, call_uuid: str, usd: float) -> None:
        """The call *call_uuid* cost *usd*."""
        self.known.keep(call_uuid, usd)
        self._news.set()
        self._news = asyncio.Event()

    async def of(self, call_uuid: str) -> float | None:
        """What the call cost; None when nobody tells in time."""
        try:
            async with asyncio.timeout(self.wait_s):
                while call_uuid not in self.known:
                    await self._news.wait()
        except TimeoutError:
            return None
        return self.known.get(call_uuid)
