"""What calls cost, where the carrier reports it by webhook, before or after it is asked for."""

from __future__ import annotations

import asyncio

import attrs

from patter.carriers.bounded_dict import BoundedDict

Reported = asyncio.Future[float | None]


@attrs.define(eq=False)
class CallPrices:
    """The reported prices of the last calls, and the ones still waited for."""

    _prices: BoundedDict[str, Reported] = attrs.field(factory=BoundedDict, init=False, repr=False)

    def report(self, call_id: str, usd: float | None) -> None:
        """Note that the call cost *usd*; None: the carrier cannot say. The first report stands."""
        price = self._price(call_id)
        if not price.done():
            price.set_result(usd)

    async def wait(self, call_id: str, within_s: float) -> float | None:
        """What the call cost; None when no price is reported in time."""
        price = self._price(call_id)
        # Not wait_for: at its timeout it would cancel the future that others wait for, too.
        await asyncio.wait({price}, timeout=within_s)
        return price.result() if price.done() else None

    def _price(self, call_id: str) -> Reported:
        if (price := self._prices.get(call_id)) is None:
            price = self._prices[call_id] = asyncio.get_running_loop().create_future()
        return price
