"""Patter as its users start it: `Patter.serve`, the Twilio plugin, and a row's providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from importlib_metadata import distribution

from callbench import script
from callbench.casts import found
from callbench.stand import Stand
from callbench.twilio_account import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_HOST
from patter import Patter, PluginRegistry
from patter_twilio import Twilio

CALLS = 1_000
WATCHERS = ("patter-dashboard", "patter-otel", "patter-prometheus")
"""What an operator installs to see calls."""
RECORDED = ("recorded", "watched")
TOKEN = "of-the-benchmark"


@asynccontextmanager
async def serving(
    vendors: str, api: str, providers: str, kind: str = "phone"
) -> AsyncIterator[Stand]:
    """Serve calls of the Twilio account whose API is at *api*.

    *kind*: ``recorded`` keeps the calls' records, ``watched`` has `WATCHERS`, too.
    """
    watched = kind == "watched"
    carrier = Twilio(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_base=api)
    # What else happens to be installed has no part in it.
    source = [found for each in WATCHERS * watched for found in distribution(each).entry_points]
    registry = PluginRegistry.from_environment({}, source=source)
    with TemporaryDirectory() as folder:
        persist = folder if kind in RECORDED else False
        phone = Patter(carrier, NUMBER, PUBLIC_HOST, persist=persist, registry=registry)
        async with _answering(phone, vendors, providers, watched) as stand:
            yield stand


@asynccontextmanager
async def _answering(
    phone: Patter, vendors: str, providers: str, watched: bool
) -> AsyncIterator[Stand]:
    # The address that carriers know is public: who reads there needs a token.
    options: dict[str, Any] = {"dashboard_token": TOKEN} if watched else {}
    async with found(providers)(vendors) as parts, asyncio.TaskGroup() as tasks:
        agent = phone.agent(
            script.PROMPT,
            first_message=script.GREETING,
            vad="none",
            disable_phone_preamble=True,
            **parts,
        )
        serve = phone.serve(
            agent, port=0, set_webhook=False, max_calls=CALLS, drain_s=0.0, **options
        )
        tasks.create_task(serve)
        await phone.ready
        assert phone.address is not None
        yield Stand(urlsplit(phone.address.local_url).port or 0)
        await phone.disconnect()
