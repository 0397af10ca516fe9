"""Patter as its users start it: `Patter.serve`, the Twilio plugin, and a row's providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from callbench import script
from callbench.casts import found
from callbench.stand import Stand
from callbench.twilio_account import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_HOST
from patter import Patter, PluginRegistry
from patter_twilio import Twilio

CALLS = 1_000


@asynccontextmanager
async def serving(vendors: str, api: str, providers: str) -> AsyncIterator[Stand]:
    """Serve calls of the Twilio account whose API is at *api*."""
    carrier = Twilio(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_base=api)
    # The plugins that happen to be installed have no part in it.
    registry = PluginRegistry.from_environment({}, source=())
    phone = Patter(carrier, NUMBER, PUBLIC_HOST, persist=False, registry=registry)
    async with found(providers)(vendors) as parts, asyncio.TaskGroup() as tasks:
        agent = phone.agent(
            script.PROMPT,
            first_message=script.GREETING,
            vad="none",
            disable_phone_preamble=True,
            **parts,
        )
        serve = phone.serve(agent, port=0, set_webhook=False, max_calls=CALLS, drain_s=0.0)
        tasks.create_task(serve)
        await phone.ready
        assert phone.address is not None
        yield Stand(urlsplit(phone.address.local_url).port or 0)
        await phone.disconnect()
