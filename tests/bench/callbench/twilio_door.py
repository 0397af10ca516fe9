"""Calls of a Twilio account: signed webhooks, TwiML, Media Streams, and a REST API without prices.

The plugin's own double does far more, and plays the audio; this costs the load driver hardly
anything, so that it can keep up with hundreds of calls.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from callbench.caller import Caller
from callbench.doors import Door, Logs, OnOver, Party
from callbench.stamps import CallLog
from callbench.twilio_account import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_HOST
from patter_load.account import account
from patter_load.webhook import Endpoint, client

VOICE: str = "/webhooks/twilio/voice"


class TwilioDoor:
    """Rings, and connects the caller where the TwiML says."""

    def __init__(self, api: str, http: ClientSession) -> None:
        self.api, self._http = api, http

    def leads_to(self, port: int) -> None:
        self._endpoint = Endpoint(
            url=f"http://127.0.0.1:{port}{VOICE}",
            public_url=f"https://{PUBLIC_HOST}{VOICE}",
            token=AUTH_TOKEN,
            account_sid=ACCOUNT_SID,
            number=NUMBER,
        )

    async def call(self, logs: Logs, on_over: OnOver) -> Party:
        log = CallLog(f"CA{secrets.token_hex(16)}", len(logs))
        logs[log.call_id] = log
        url = (await self._endpoint.ring(self._http, log.call_id)).url
        return await self._endpoint.connect(lambda: Caller(log, url, on_over), url)


@asynccontextmanager
async def through_twilio() -> AsyncIterator[TwilioDoor]:
    """The account, and its API while inside."""
    async with account() as api, client() as http:
        yield TwilioDoor(api, http)


if TYPE_CHECKING:
    _: type[Door] = TwilioDoor
