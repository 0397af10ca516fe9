"""How a vendor behaves badly, and how long it takes: over any answer that is sent in pieces."""

from __future__ import annotations

import asyncio
import math
from random import Random
from statistics import NormalDist
from typing import TypeAlias

import attrs
from aiohttp import web

Message: TypeAlias = str | bytes
_P95 = NormalDist().inv_cdf(0.95)


@attrs.frozen(kw_only=True)
class VendorFaults:
    """What a vendor does wrong, from its *after*-th message of a session or answer on.

    At once, whatever *after* is: *status* is answered to every request and handshake, with
    *retry_after* as its header; *silent* takes connections and never answers. Then: *garbage* is
    sent in place of a message, *oversize* sends a message of that many bytes, *over* sends the
    message with which this vendor ends a session, and ends it; *close_code* closes the socket (the
    connection of an HTTP answer breaks), *stalls* sends nothing more. *trickle_ms* is waited before
    each.
    """

    status: int = 0
    retry_after: str = ""
    silent: bool = False
    after: int = 0
    garbage: bytes | str = ""
    oversize: int = 0
    over: bool = False
    close_code: int = 0
    stalls: bool = False
    trickle_ms: float = 0


@attrs.define
class Latency:
    """How long the vendor takes: log-normal, by its median and its 95th percentile."""

    p50_ms: float = 0
    p95_ms: float = 0
    seed: int = 0
    _random: Random = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)

    def draw_ms(self) -> float:
        """The next one."""
        if self.p50_ms <= 0:
            return 0.0
        spread = math.log(max(self.p95_ms, self.p50_ms) / self.p50_ms) / _P95
        return self._random.lognormvariate(math.log(self.p50_ms), spread)

    async def wait(self) -> None:
        """Take that long."""
        if (ms := self.draw_ms()) > 0:
            await asyncio.sleep(ms / 1_000)


@attrs.define(eq=False)
class FaultyStream:
    """Sends over *response*, prepared before, a socket or an HTTP answer, as *faults* demand.

    *farewell* is the message with which this vendor ends a session (`VendorFaults.over`). What is
    sent once the stream has *ended*, or stalls, is dropped; a stalled HTTP answer is never
    finished either, so its `send` does not return before the client has gone.
    """

    response: web.WebSocketResponse | web.StreamResponse
    faults: VendorFaults = attrs.field(factory=VendorFaults)
    farewell: Message = ""
    sent: int = attrs.field(default=0, init=False)
    ended: bool = attrs.field(default=False, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, repr=False)

    async def send(self, message: Message) -> None:
        """Send *message*, in its turn; text is a frame of text, or UTF-8."""
        async with self._turn:
            if self.ended:
                return
            await asyncio.sleep(self.faults.trickle_ms / 1_000)
            if self.sent >= self.faults.after:
                message = await self._spoilt(message)
            if not self.ended:
                await self._put(message)
            self.sent += 1

    async def end(self, code: int = 1000) -> None:
        """End it as *code* says, an HTTP answer as if complete; twice is as good as once."""
        if self.ended:
            return
        self.ended = True
        if isinstance(self.response, web.WebSocketResponse):
            await self.response.close(code=code)
        else:
            await self.response.write_eof()

    async def _spoilt(self, message: Message) -> Message:
        """What is sent in place of *message*; it is sent only if the stream goes on."""
        faults = self.faults
        if faults.stalls:
            await self._stall()
        elif faults.over:
            await self._put(self.farewell)
            await self.end(faults.close_code or 1000)
        elif faults.close_code:
            self._cut()
            await self.end(faults.close_code)
        if faults.oversize:
            return "x" * faults.oversize if isinstance(message, str) else bytes(faults.oversize)
        return faults.garbage or message

    async def _stall(self) -> None:
        # A socket is read on, for its client's farewell; an answer would be complete by returning.
        self.ended = True
        if not isinstance(self.response, web.WebSocketResponse):
            await asyncio.get_running_loop().create_future()

    def _cut(self) -> None:
        """Break the connection of an HTTP answer, which has no code to close with."""
        request = self.response._req
        if not isinstance(self.response, web.WebSocketResponse) and request is not None:
            self.ended = True
            if request.transport is not None:
                request.transport.abort()

    async def _put(self, message: Message) -> None:
        try:
            if not isinstance(self.response, web.WebSocketResponse):
                await self.response.write(message.encode() if isinstance(message, str) else message)
            elif isinstance(message, str):
                await self.response.send_str(message)
            else:
                await self.response.send_bytes(message)
        except ConnectionError:  # the client has gone, as clients may
            self.ended = True
