"""What a call asks of its carrier: hang up, transfer, record, price. Every wait is bounded.

A refusal does not raise: it is written to the record and the log, and answered with False or
None; what follows from it is for the call to decide.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

import attrs

from patter.call.link import as_patter_error
from patter.observe.call_events import CallEvents
from patter.observe.events import Usage
from patter.providers.carrier import CarrierCapabilities, CarrierLine, TransferRequest

log = logging.getLogger("patter.call")
CARRIER_S = 10.0
PRICE_S = 2.0


@attrs.frozen(eq=False)
class CarrierCommands:
    """The carrier's *line*, if there is one, for the call it knows as *carrier_call_id*."""

    line: CarrierLine | None
    carrier_call_id: str
    events: CallEvents

    @property
    def can(self) -> CarrierCapabilities:
        """What may be asked; a leg without a carrier does what legs do."""
        return CarrierCapabilities(marks=True) if self.line is None else self.line.can

    async def hangup(self) -> bool:
        """Have the call ended."""
        return await self._command("hangup", lambda line, at: line.hangup(at))

    async def transfer(self, request: TransferRequest) -> bool:
        """Begin to transfer the caller; False when the carrier refuses."""
        return await self._command("transfer", lambda line, at: line.transfer(at, request))

    async def start_recording(self) -> None:
        """Have the carrier record the call from now on; it goes on when the carrier does not."""
        await self._command("recording", lambda line, at: line.start_recording(at))

    async def note_price(self) -> None:
        """Note what the carrier charged, if it tells that in time; minutes are noted anyway."""
        if self.line is None or not self.line.can.price:
            return
        try:
            async with asyncio.timeout(PRICE_S):
                reported = await self.line.price(self.carrier_call_id)
            usd = None if reported is None else float(reported)
        except Exception as raised:
            self.events.error(as_patter_error(raised, self.line.name), "price")
            return
        if usd is not None and math.isfinite(usd) and usd >= 0:
            self.events.emit(
                Usage(
                    kind="carrier",
                    provider=self.line.name,
                    model="",
                    unit="calls",
                    amount=1,
                    usd=usd,
                )
            )

    async def _command(self, what: str, ask: Callable[[CarrierLine, str], Awaitable[None]]) -> bool:
        if self.line is None:
            return False
        try:
            async with asyncio.timeout(CARRIER_S):
                await ask(self.line, self.carrier_call_id)
        except Exception as raised:
            failed = as_patter_error(raised, self.line.name)
            self.events.error(failed, what)
            log.warning("call %s: %s: %s", self.events.call_id, what, failed.message)
            return False
        return True
