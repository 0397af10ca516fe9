"""What calls cost, as Plivo tells it when they hang up: kept until asked for, and not for ever."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import attrs

WAIT_S = 1.0
"""How long the hang-up may take to tell: a call waits 2 s for its price in all."""
REMEMBERED = 1_000


@attrs.define(eq=False)
class Prices:
    """The last *remembered* prices that came and were not asked for yet."""

    remembered: int = REMEMBERED
    wait_s: float = WAIT_S
    _known: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def told(self, call_uuid: str, usd: float) -> None:
        """The call *call_uuid* cost *usd*."""
        self._known[call_uuid] = usd
        if len(self._known) > self.remembered:
            self._known.popitem(last=False)
        self._news.set()
        self._news = asyncio.Event()

    async def of(self, call_uuid: str) -> float | None:
        """What the call cost; None when nobody tells within *wait_s*."""
        try:
            async with asyncio.timeout(self.wait_s):
                while call_uuid not in self._known:
                    await self._news.wait()
        except TimeoutError:
            return None
        return self._known[call_uuid]
