"""What calls cost: an event that Telnyx sends only if its application is set to.

``call_cost_in_webhooks`` of a Voice API application is off unless somebody turned it on (telnyx
4.189, `CallControlApplication`). `serve` turns it on; where that is not ours to do, nobody waits
for an event that never comes.
"""

from __future__ import annotations

import logging

import attrs

from patter.carriers.call_prices import CallPrices
from patter.clock import Clock, LoopClock
from patter.errors import PatterError
from patter_telnyx._rest import TelnyxApi

log = logging.getLogger("patter.telnyx")
SETTING = "call_cost_in_webhooks"
PRICE_S = 1.5
"""A call that ends waits 2 s for its price."""
READ_S = 0.7
"""What of it reading the setting may take, once, where `serve` did not."""


@attrs.define(eq=False, kw_only=True)
class CostEvents:
    """The costs of one application's calls. *coming*: does it send them? None: not known yet."""

    api: TelnyxApi
    connection_id: str
    prices: CallPrices = attrs.field(factory=CallPrices)
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    coming: bool | None = None

    def report(self, call_id: str, usd: float | None) -> None:
        """A cost came, so others will."""
        self.coming = True
        self.prices.report(call_id, usd)

    async def wait(self, call_id: str) -> float | None:
        """What a call cost; None at once where no cost will come."""
        began_ms = self.clock.ms()
        if self.coming is None:
            self.coming = await self._read()
        left_s = PRICE_S - (self.clock.ms() - began_ms) / 1_000 if self.coming else 0.0
        usd = await self.prices.wait(call_id, max(0.0, left_s))
        if usd is None and self.coming:
            # Somebody may have turned them off: the next call asks before it waits.
            self.coming = None
        return usd

    async def _read(self) -> bool | None:
        """The application's setting; None when Telnyx does not tell it in time."""
        try:
            application = await self.api.application(self.connection_id, within_s=READ_S)
        except PatterError as error:
            log.info("whether calls' costs will be told is not known: %s", error.message)
            return None
        return costs_are_on(application or {})


def costs_are_on(application: dict[str, object]) -> bool:
    """Does an application send what calls cost?"""
    return application.get(SETTING) is True
