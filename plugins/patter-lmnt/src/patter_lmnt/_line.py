"""One socket of a speech session: opened, introduced and ready to speak.

The sockets are aiohttp's, from the pool of the process: the vendor's client makes a TLS context for
each, which blocks the loop, and bounds none of its waits. See the README for figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import attrs

from patter.client_pool import CONNECT_S
from patter.clock import Timer
from patter.errors import ErrorCode, PatterError
from patter.vendors.options import socket_url
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_lmnt import _wire
from patter_lmnt._errors import ERRORS, hung_up
from patter_lmnt._wav import WavHeader

HEARTBEAT_S = 10.0
"""Pings find out that a line is dead; LMNT has no message that keeps a session alive."""

MOST_BYTES = 4 << 20


@attrs.define(eq=False)
class Line:
    """A socket that is ready, and what was asked of it; *closing* leaves it.

    *resetting* is the nonce of a reset that is not confirmed, 0 without one; *stale* are those of
    flushes that were to be forgotten with it.
    """

    socket: VendorSocket
    closing: AsyncExitStack
    opened_ms: float
    header: WavHeader = attrs.field(factory=WavHeader, init=False)
    resetting: int = attrs.field(default=0, init=False)
    stale: frozenset[int] = attrs.field(default=frozenset(), init=False)
    settled: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    reader: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    dropped: bool = attrs.field(default=False, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)
    _nonce: int = attrs.field(default=0, init=False)

    def count(self) -> int:
        """A nonce that was not used on this socket."""
        self._nonce += 1
        return self._nonce

    async def speak(self, text: str, nonce: int) -> None:
        """Have *text* spoken, after what was sent before. Raises PatterError."""
        await self.socket.send(_wire.text(text))
        await self.socket.send(_wire.flush(nonce))

    async def reset(self, nonces: frozenset[int], watch: Callable[[int], Timer]) -> None:
        """Have the flushes with *nonces* forgotten; *watch* sets a timer for the confirmation.

        Raises PatterError.
        """
        self.resetting, self.stale = self.count(), self.stale | nonces
        self.settled.clear()
        self._timer = watch(self.resetting)
        await self.socket.send(_wire.reset(self.resetting))

    def settle(self) -> None:
        """The reset is confirmed, or is waited for no more."""
        self.resetting = 0
        self.header = WavHeader()
        self.settled.set()
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        """Leave the socket, in bounded time."""
        self.dropped = True
        if self.reader is not None:
            self.reader.cancel()
        await self.closing.aclose()


async def opened(base_url: str, init: str, key: str, now_ms: float) -> Line:
    """A socket at *base_url* that was introduced with *init* and has said that it is ready.

    LMNT looks at the key and the voice now. Raises PatterError as it answers, or for its silence.
    """
    async with AsyncExitStack() as closing:
        socket = await closing.enter_async_context(
            vendor_socket(
                socket_url(base_url, _wire.PATH),
                errors=ERRORS,
                hung_up=hung_up,
                heartbeat_s=HEARTBEAT_S,
                most_bytes=MOST_BYTES,
            )
        )
        await socket.send(init)
        try:
            async with asyncio.timeout(CONNECT_S):
                await _ready(socket, key)
        except TimeoutError:
            raise ERRORS.late() from None
        return Line(socket, closing.pop_all(), now_ms)
    raise AssertionError("the stack swallows nothing")


async def _ready(socket: VendorSocket, key: str) -> None:
    while True:
        raw = await socket.receive()
        if isinstance(raw, bytes):
            raise ERRORS.garbled(raw)
        if _wire.decode(raw, key).kind == _wire.READY:
            return


def is_final(error: PatterError) -> bool:
    """Would another socket be refused as this one was?"""
    return error.code in (ErrorCode.AUTH, ErrorCode.CONFIG)
