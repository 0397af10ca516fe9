"""Calls of a Twilio account: signed webhooks, TwiML, Media Streams, and a REST API without prices.

The plugin's own double does far more, and plays the audio; this costs the load driver hardly
anything, so that it can keep up with hundreds of calls.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.etree import ElementTree

import orjson
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from callbench.caller import Caller
from callbench.doors import UP_S, Door, Logs, OnOver, Party
from callbench.stamps import CallLog
from callbench.twilio_account import ACCOUNT_SID, AUTH_TOKEN, CALLER, NUMBER, PUBLIC_HOST

VOICE: str = "/webhooks/twilio/voice"


class TwilioDoor:
    """Rings, and connects the caller where the TwiML says."""

    def __init__(self, api: str) -> None:
        self.api = api
        self._port = 0
        self._sign = RequestValidator(AUTH_TOKEN)

    def leads_to(self, port: int) -> None:
        self._port = port

    async def call(self, logs: Logs, on_over: OnOver) -> Party:
        log = CallLog(f"CA{secrets.token_hex(16)}", len(logs))
        logs[log.call_id] = log
        caller = Caller(log, await self._ring(log.call_id), on_over)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: caller, "127.0.0.1", self._port)
        await caller.up
        return caller

    async def _ring(self, call_id: str) -> str:
        """Tell the measured process of a call; where its media goes."""
        fields = {
            "AccountSid": ACCOUNT_SID,
            "CallSid": call_id,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "From": CALLER,
            "To": NUMBER,
        }
        body = urlencode(fields).encode()
        signature = self._sign.compute_signature(f"https://{PUBLIC_HOST}{VOICE}", fields)
        head = (
            f"POST {VOICE} HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            f"X-Twilio-Signature: {signature}\r\n\r\n"
        )
        answer = await _asked(self._port, head.encode() + body)
        first, _, twiml = answer.partition(b"\r\n\r\n")
        stream = ElementTree.fromstring(twiml).find(".//Stream") if b" 200 " in first else None
        if stream is None:
            raise RuntimeError(f"{call_id} was not let in: {answer.decode(errors='replace')}")
        return stream.attrib["url"]


@asynccontextmanager
async def through_twilio() -> AsyncIterator[TwilioDoor]:
    """The account, and its API while inside."""
    server = await asyncio.start_server(_api, "127.0.0.1", 0)
    try:
        yield TwilioDoor(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()


async def _asked(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(UP_S):
            return await reader.read()
    finally:
        writer.close()


async def _api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a call costs is not known yet, whichever it is."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            sid = head.split(b" ", 2)[1].rpartition(b"/")[2].partition(b".")[0].decode()
            body = orjson.dumps({"sid": sid, "status": "completed", "price": None})
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


if TYPE_CHECKING:
    _: type[Door] = TwilioDoor
