"""A session's socket as a vendor has it: frames with an idle limit, and a close with a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import attrs
from aiohttp import WSMsgType, web

from patter_cartesia.double.messages import Body
from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream


class Idle(Exception):
    """The client has sent nothing for too long."""


@attrs.define(eq=False)
class Session:
    """One socket: *stream* sends, with the double's faults and latency.

    *texts* are what the client said in text. Only messages count for *idle_s*, pings do not:
    which of them Cartesia counts is not documented, and this is the harder case.
    """

    socket: web.WebSocketResponse
    stream: FaultyStream
    latency: Latency
    texts: list[str]
    idle_s: float

    async def frames(self) -> AsyncIterator[bytes | str]:
        """What the client sends, to its end. Raises Idle."""
        while True:
            try:
                async with asyncio.timeout(self.idle_s):
                    message = await self.socket.receive()
            except TimeoutError:
                raise Idle from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if message.type is WSMsgType.TEXT:
                self.texts.append(message.data)
            yield message.data

    async def send(self, body: Body) -> None:
        await self.stream.send(json.dumps(body))

    async def answer(self, body: Body) -> None:
        """Send *body* when the vendor has had its time to think."""
        await self.latency.wait()
        await self.send(body)

    async def close(self, code: int, reason: str = "") -> None:
        """Close with *code* and *reason*."""
        self.stream.ended = True
        await self.socket.close(code=code, message=reason.encode())
