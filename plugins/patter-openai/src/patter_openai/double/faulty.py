"""A vendor's messages, sent as its faults demand: late, garbled, oversized, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attrs

from patter_testing.doubles.vendor_double import VendorFaults


class SessionOver(Exception):
    """The faults have ended this session: nothing more is to be sent. *code* closes a socket."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


@attrs.define(eq=False)
class FaultySender:
    """Sends the messages of one session or answer by *send*; *over* makes the vendor's last one."""

    faults: VendorFaults
    send: Callable[[bytes | str], Awaitable[None]]
    over: Callable[[], bytes | str]
    _sent: int = attrs.field(default=0, init=False)

    async def __call__(self, message: bytes | str) -> None:
        """Send *message*, or what comes in its place. Raises SessionOver."""
        faults, due = self.faults, self._sent >= self.faults.after
        self._sent += 1
        if faults.trickle_ms:
            await asyncio.sleep(faults.trickle_ms / 1_000)
        if not due:
            await self.send(message)
            return
        if faults.over:
            await self.send(self.over())
            raise SessionOver
        if faults.close_code:
            raise SessionOver(faults.close_code)
        if faults.stalls:
            await asyncio.get_running_loop().create_future()
        await self._instead(message)

    async def _instead(self, message: bytes | str) -> None:
        if self.faults.oversize:
            await self.send("x" * self.faults.oversize)
        else:
            await self.send(self.faults.garbage or message)
