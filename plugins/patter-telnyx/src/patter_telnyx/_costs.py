"""What calls cost, as Telnyx tells some time after their end; of each call once, bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import attrs

REMEMBERED = 2_000


@attrs.define(eq=False)
class Costs:
    """The costs told, and those waited for."""

    _told: OrderedDict[str, asyncio.Future[float | None]] = attrs.field(
        factory=OrderedDict, init=False, repr=False
    )

    def tell(self, call_id: str, usd: float | None) -> None:
        """That call cost *usd*; None: nobody can say. The first word stands."""
        told = self._of(call_id)
        if not told.done():
            told.set_result(usd)

    async def of(self, call_id: str, within_s: float) -> float | None:
        """What that call cost; None when that is not known in time."""
        done, _ = await asyncio.wait({self._of(call_id)}, timeout=within_s)
        told = self._told.pop(call_id, None)
        return told.result() if done and told is not None and told.done() else None

    def _of(self, call_id: str) -> asyncio.Future[float | None]:
        if (told := self._told.get(call_id)) is None:
            told = self._told[call_id] = asyncio.get_running_loop().create_future()
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        return told
