"""What a call asks of its carrier: hang up, transfer, record, price. Every wait is bounded.

A refusal does not raise: it is written to the record and the log, and answered with False or
None; what follows from it is for the call to decide.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from patter.call.link import as_patter_error
from patter.errors import PatterConfigError
from patter.observe.call_events import CallEvents
from patter.observe.events import Usage
from patter.providers.carrier import (
    CarrierCapabilities,
    CarrierLine,
    PausableRecording,
    TransferRequest,
)

log = logging.getLogger("patter.call")
CARRIER_S = 10.0
PRICE_S = 2.0
PAUSE_S = 3.0
"""The caller waits while a recording is paused, and says nothing secret before."""
P = TypeVar("P")


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

    async def pause_recording(self) -> None:
        """Have the carrier's recording paused. Raises PatterError."""
        await self._recording(lambda line, at: line.pause_recording(at))

    async def resume_recording(self) -> None:
        """Have the carrier's recording go on. Raises PatterError."""
        await self._recording(lambda line, at: line.resume_recording(at))

    async def begin_recording(self) -> None:
        """Have the carrier record the call from now on. Raises PatterError."""
        if self.line is not None:
            await self._bounded(self.line, lambda line, at: line.start_recording(at), CARRIER_S)

    async def _recording(self, ask: Callable[[PausableRecording, str], Awaitable[None]]) -> None:
        if self.line is None:
            return
        if not (self.line.can.recording_pause and isinstance(self.line, PausableRecording)):
            raise PatterConfigError(
                f"{self.line.name} cannot pause its recording, which goes on",
                fix="serve(local_recording=True), which can be paused, instead of recording=True",
            )
        await self._bounded(self.line, ask, PAUSE_S)

    async def _bounded(
        self, line: P, ask: Callable[[P, str], Awaitable[None]], within_s: float
    ) -> None:
        """Ask; what is raised becomes a PatterError."""
        try:
            async with asyncio.timeout(within_s):
                await ask(line, self.carrier_call_id)
        except Exception as raised:
            raise as_patter_error(raised, self.line.name if self.line else "") from raised

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
