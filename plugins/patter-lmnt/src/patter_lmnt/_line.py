"""One socket of a speech session: opened, introduced and ready to speak.

The sockets are aiohttp's, from the pool of the process: the vendor's client makes a TLS context for
each, which blocks the loop, and bounds none of its waits. See the README for figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.client_pool import CONNECT_S
from patter.vendors.options import socket_url
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter.vendors.speech_session import SpeechLine
from patter_lmnt import _wire
from patter_lmnt._errors import ERRORS, hung_up
from patter_lmnt._wav import WavHeader

HEARTBEAT_S = 10.0
"""Pings find out that a line is dead; LMNT has no message that keeps a session alive."""

MOST_BYTES = 4 << 20


@attrs.define(eq=False)
class Line(SpeechLine):
    """A socket that is ready, and what was asked of it.

    *resetting* is the nonce of a reset that is not confirmed, 0 without one; *stale* are those of
    flushes that were to be forgotten with it.
    """

    header: WavHeader = attrs.field(factory=WavHeader, init=False)
    resetting: int = attrs.field(default=0, init=False)
    stale: frozenset[int] = attrs.field(default=frozenset(), init=False)
    _nonce: int = attrs.field(default=0, init=False)

    def count(self) -> int:
        """A nonce that was not used on this socket."""
        self._nonce += 1
        return self._nonce

    async def speak(self, text: str, nonce: int) -> None:
        """Have *text* spoken, after what was sent before. Raises PatterError."""
        await self.socket.send(_wire.text(text))
        await self.socket.send(_wire.flush(nonce))

    def reset(self, nonces: frozenset[int]) -> str:
        """The message that has the flushes with *nonces* forgotten."""
        self.resetting, self.stale = self.count(), self.stale | nonces
        return _wire.reset(self.resetting)

    def settle(self) -> None:
        """The reset is confirmed, or is waited for no more."""
        self.resetting = 0
        self.header = WavHeader()
        SpeechLine.settle(self)


@asynccontextmanager
async def connected(base_url: str, init: str, key: str) -> AsyncIterator[Line]:
    """A socket at *base_url* that was introduced with *init* and has said that it is ready.

    LMNT looks at the key and the voice now. Entering raises PatterError as it answers, or for its
    silence.
    """
    async with vendor_socket(
        socket_url(base_url, _wire.PATH),
        errors=ERRORS,
        hung_up=hung_up,
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    ) as socket:
        await socket.send(init)
        try:
            async with asyncio.timeout(CONNECT_S):
                await _ready(socket, key)
        except TimeoutError:
            raise ERRORS.late() from None
        yield Line(socket)


async def _ready(socket: VendorSocket, key: str) -> None:
    while True:
        raw = await socket.receive()
        if isinstance(raw, bytes):
            raise ERRORS.garbled(raw)
        if _wire.decode(raw, key).kind == _wire.READY:
            return
