"""How Rime is reached: sockets of the kit, with its key and its words for errors."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import aiohttp

from patter.client_pool import CONNECT_S, client_pool
from patter.providers.health import HealthReport
from patter.vendors.options import Query
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_rime._errors import ERRORS, of_answer, of_close, of_handshake

HEARTBEAT_S = 10.0
"""Pings find out within 15 s that a line is dead while nobody speaks."""

MOST_BYTES = 4 << 20
MOST_WORDS_BYTES = 2_000


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key; Rime refuses a key in an address."""
    return {"Authorization": f"Bearer {key}"}


def connected(url: str, query: Query, key: str) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket, open while inside. Entering raises PatterError as Rime answers, or in time.

    It is left without ``eos``, for which Rime would speak what is left to speak.
    """
    return vendor_socket(
        url,
        errors=ERRORS,
        headers=authorization(key),
        query=query,
        refused=of_handshake,
        hung_up=lambda code, reason: of_close(code, reason, key),
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    )


async def raise_refusal(answer: aiohttp.ClientResponse, key: str) -> None:
    """Raise PatterError for an *answer* that is no success."""
    if answer.status < 300:
        return
    words = bytearray()
    while len(words) < MOST_WORDS_BYTES and (part := await answer.content.readany()):
        words += part
    # A page of something between here and Rime explains nothing.
    plain = answer.content_type == "text/plain"
    text = bytes(words[:MOST_WORDS_BYTES]).decode(errors="replace") if plain else ""
    raise of_answer(answer.status, text.strip(), answer.headers, key=key)


async def checked(base_url: str, key: str) -> HealthReport:
    """Ask which of a text's words Rime does not know, for which it wants a key and no money."""
    async with client_pool() as pool:
        with ERRORS.translated():
            async with (
                asyncio.timeout(CONNECT_S),
                pool.http.post(
                    f"{base_url}/oov",
                    json={"text": "hello"},
                    headers=authorization(key),
                    allow_redirects=False,
                ) as answer,
            ):
                await raise_refusal(answer, key)
                if answer.status != 200 or answer.content_type != "application/json":
                    raise ERRORS.garbled(answer.content_type)
    return HealthReport(text="knows the key")
