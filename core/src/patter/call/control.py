"""What tools and the application may do with a call, by cues: nothing here touches media."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import attrs

from patter.call import cues as c
from patter.call.plan import CallPlan
from patter.errors import InputError, PatterConfigError
from patter.providers.carrier import CarrierLine, TransferRequest
from patter.providers.context import CallContext

E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
SIP = re.compile(r"sips?:[^\s@]+@[^\s@]+\Z")
_DIGITS = re.compile(r"[0-9*#A-DwW]+\Z")


@attrs.define(eq=False)
class CallControl:
    """One call's controls. Raises PatterError for what the call's carrier cannot do."""

    context: CallContext
    plan: CallPlan
    carrier: CarrierLine | None
    tell: Callable[[c.Event], None]
    now_ms: Callable[[], int]
    pending_transfer: TransferRequest | None = attrs.field(default=None, init=False)
    _collecting: asyncio.Future[str] | None = attrs.field(default=None, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    @property
    def call_id(self) -> str:
        return self.context.call_id

    @property
    def caller(self) -> str:
        return self.context.caller

    @property
    def callee(self) -> str:
        return self.context.callee

    async def hangup(self, reason: str = "agent", *, goodbye: bool = False) -> None:
        """End the call once what is being said was heard; with *goodbye*, say one first."""
        self.tell(c.End(self.now_ms(), reason, goodbye))

    async def say(self, text: str) -> None:
        """Say *text* when the floor is free."""
        self.tell(c.Announce(self.now_ms(), text))

    async def transfer(self, target: str, *, mode: str = "cold", summary: str = "") -> None:
        """Hand the caller to *target*, E.164 or SIP, once what is being said was heard.

        Raises InputError for another form of *target* and PatterConfigError when the carrier
        cannot do it or the operator does not allow it.
        """
        self._check_target(target)
        self._check_able(target, mode)
        self.pending_transfer = TransferRequest(target=target, mode=mode, summary=summary)
        self.tell(c.Transfer(self.now_ms(), target))

    async def send_dtmf(self, digits: str) -> None:
        """Press *digits* (0-9 * # A-D, w waits half a second) towards the other side."""
        if not _DIGITS.match(digits):
            raise InputError(f"{digits!r} are not keys", fix="use 0-9 * # A-D and w")
        if self.carrier is None or not self.carrier.can.dtmf_out:
            raise PatterConfigError(
                f"{self._carrier_name} cannot send digits", fix="choose another carrier"
            )
        await self.carrier.send_dtmf(self.context.carrier_call_id, digits)

    async def collect_digits(self, count: int = 0, end: str = "#", wait_ms: int = 10_000) -> str:
        """Wait for *count* digits, or up to *end*; what came within *wait_ms* is returned.

        Empty when the call ends first.
        """
        if self._closed:
            return ""
        if self._collecting is not None:
            raise PatterConfigError(
                "digits are being collected already", fix="await the first collect_digits"
            )
        self._collecting = asyncio.get_running_loop().create_future()
        try:
            self.tell(c.Collect(self.now_ms(), count, end, wait_ms))
            return await self._collecting
        finally:
            self._collecting = None

    @property
    def can_transfer(self) -> bool:
        """Can this call be handed over in any way?"""
        can = self.carrier.can if self.carrier else None
        return can is not None and (can.cold_transfer or can.warm_transfer or can.sip_transfer)

    def collected(self, digits: str) -> None:
        """The engine's answer to `collect_digits`."""
        if self._collecting is not None and not self._collecting.done():
            self._collecting.set_result(digits)

    def close(self) -> None:
        """The call is over: nobody presses keys any more."""
        self._closed = True
        self.collected("")

    def _check_target(self, target: str) -> None:
        if not E164.match(target) and not SIP.match(target):
            raise InputError(f"{target!r} is not an E.164 number", fix="write it like +15550188000")
        if self.plan.transfer_allowed and not self.plan.transfer_allowed(target):
            raise PatterConfigError(
                f"transfers to {target} are not allowed", fix="add it to the allow-list"
            )

    def _check_able(self, target: str, mode: str) -> None:
        can = self.carrier.can if self.carrier else None
        able = can is not None and (
            can.warm_transfer
            if mode == "warm"
            else can.sip_transfer
            if target.startswith("sip")
            else can.cold_transfer
        )
        if not able:
            raise PatterConfigError(
                f"{self._carrier_name} cannot do a {mode} transfer to {target}",
                fix="choose another carrier or another kind of transfer",
            )

    @property
    def _carrier_name(self) -> str:
        return self.carrier.name if self.carrier else "this line"
