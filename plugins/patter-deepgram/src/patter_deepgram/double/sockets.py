"""A session's socket as a vendor has it: frames with an idle limit, and a close with a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream


class Idle(Exception):
    """The client has sent nothing for too long."""


class Unreadable(Exception):
    """A text is not a JSON object with a type; `args` has it."""


@attrs.define(eq=False)
class Session:
    """One socket: *stream* sends, with the double's faults and latency.

    *commands* are the types of what the client said in text.
    """

    socket: web.WebSocketResponse
    stream: FaultyStream
    latency: Latency
    commands: list[str]

    async def frames(self, idle_s: float, *, pings: bool = True) -> AsyncIterator[bytes | str]:
        """What the client sends, to its end. Raises Idle; *pings* keep a session open, or not."""
        loop = asyncio.get_running_loop()
        due = loop.time() + idle_s
        while True:
            try:
                async with asyncio.timeout_at(due):
                    message = await self.socket.receive()
            except TimeoutError:
                raise Idle from None
            if message.type is WSMsgType.PING:
                await self.socket.pong(message.data)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._note(message.data)
                yield message.data
            elif message.type is not WSMsgType.PONG:
                return
            if pings or message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                due = loop.time() + idle_s

    def _note(self, frame: bytes | str) -> None:
        if isinstance(frame, str):
            try:
                self.commands.append(command(frame)["type"])
            except Unreadable:
                self.commands.append("")

    async def send(self, body: dict[str, Any]) -> None:
        await self.stream.send(json.dumps(body))

    async def answer(self, body: dict[str, Any]) -> None:
        """Send *body* when the vendor has had its time to think."""
        await self.latency.wait()
        await self.send(body)

    async def close(self, code: int, reason: str = "") -> None:
        """Close with *code* and *reason*."""
        self.stream.ended = True
        await self.socket.close(code=code, message=reason.encode())


def command(text: str) -> dict[str, Any]:
    """The client's message in *text*. Raises Unreadable."""
    try:
        body = json.loads(text)
        if isinstance(body, dict) and isinstance(body["type"], str):
            return body
    except (ValueError, KeyError, RecursionError):
        pass  # what is not JSON and what has no type are refused alike, below
    raise Unreadable(text)
