"""One socket as Soniox has it: frames within a time, and answers that take theirs.

An answer that takes long does not hold up the next one, nor what the client sends meanwhile.
"""

from __future__ import annotations

import asyncio
import json

import attrs
from aiohttp import WSMsgType, web

from patter_soniox.double.messages import Body
from patter_soniox.double.start import Ends
from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream

UNSENT = 10_000


@attrs.define(eq=False)
class Wire:
    """*stream* sends, with the double's faults and *latency*; `run` does it.

    *commands* are the types of what the client said in text; "" is the end of its audio.
    """

    socket: web.WebSocketResponse
    stream: FaultyStream
    latency: Latency
    commands: list[str]
    _unsent: asyncio.Queue[tuple[float, str]] = attrs.field(
        factory=lambda: asyncio.Queue(UNSENT), init=False
    )
    _due: float = attrs.field(default=0.0, init=False)

    async def run(self) -> None:
        """Send what is due, in order, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due, text = await self._unsent.get()
            try:
                await asyncio.sleep(due - loop.time())
                await self.stream.send(text)
            finally:
                self._unsent.task_done()

    async def receive(self, within_s: float, late: str) -> str | bytes | None:
        """What the client sends next, None when it has gone; pings count for nothing.

        Raises Ends, in the words *late*, after *within_s* without anything.
        """
        try:
            async with asyncio.timeout(within_s):
                while (message := await self.socket.receive()).type is WSMsgType.PING:
                    await self.socket.pong(message.data)
        except TimeoutError:
            raise Ends(408, late) from None
        is_data = message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
        return message.data if is_data else None

    async def answer(self, body: Body) -> None:
        """Have *body* sent when Soniox has had its time to think."""
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now + self.latency.draw_ms() / 1_000)
        await self._unsent.put((self._due, json.dumps(body)))

    async def end(self) -> None:
        """Send what is left, and close."""
        await self._unsent.join()
        await self.stream.end()
