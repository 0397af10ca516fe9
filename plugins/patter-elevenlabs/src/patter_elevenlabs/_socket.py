"""Connecting: sockets and answers of ElevenLabs, through the clients of this process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from patter.client_pool import CONNECT_S, ClientPool, client_pool
from patter.errors import ProviderError
from patter.providers.health import HealthReport
from patter_elevenlabs._errors import ERRORS, of_answer, of_close

log = logging.getLogger("patter_elevenlabs")

CLOSE_S = 0.5
"""How long the farewell to a socket may take."""

SEND_S = 5.0
"""How long a message may wait for a line that takes nothing."""

BEAT_S = 20.0
"""How often a socket is pinged; one that does not answer in half of it is dead."""

MOST_BYTES = 16 << 20
"""Of one message: the size that the vendor's own client takes."""

MOST_ERROR_BYTES = 64 << 10
CHECK_S = 4.0
_NARROW = "missing_permissions"


async def connect(
    pool: ClientPool, url: str, query: Sequence[tuple[str, str]], key: str
) -> aiohttp.ClientWebSocketResponse:
    """An open socket. Raises PatterError as the vendor answers."""
    with ERRORS.translated():
        try:
            async with asyncio.timeout(CONNECT_S):
                return await pool.http.ws_connect(
                    url,
                    params=query,
                    headers={"xi-api-key": key},
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                    heartbeat=BEAT_S,
                    max_msg_size=MOST_BYTES,
                )
        except aiohttp.WSServerHandshakeError as refused:
            if refused.status != 400:
                raise
            # A key of the wrong shape and a model that has no socket are both answered so.
            raise ProviderError(
                "ElevenLabs refused to open a socket (400)",
                fix="check ELEVENLABS_API_KEY, model_id, output_format and the other options",
            ) from None


async def send(socket: aiohttp.ClientWebSocketResponse, message: str) -> None:
    """Send *message*, in bounded time. Raises PatterError when the socket is gone."""
    with ERRORS.translated():
        async with asyncio.timeout(SEND_S):
            await socket.send_str(message)


async def texts(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[str]:
    """What comes from *socket*; its end raises PatterError, whoever ended it."""
    while True:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            yield message.data
        elif message.type is aiohttp.WSMsgType.CLOSE:
            raise of_close(message.data, message.extra or "")
        elif message.type is aiohttp.WSMsgType.BINARY:
            raise ERRORS.garbled(message.data[:60])
        else:
            raise ERRORS.hung_up(socket.close_code)


async def close(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Close *socket*, in bounded time, also where nobody answers."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close()
    except (TimeoutError, aiohttp.ClientError, OSError) as failed:
        log.debug("the farewell failed: %s", type(failed).__name__)


async def raise_refusal(response: aiohttp.ClientResponse, key: str) -> None:
    """Raise PatterError for an answer that is no success."""
    if response.status >= 400:
        body = await _json(response)
        raise of_answer(response.status, body, response.headers, key)


async def warm(base_url: str) -> None:
    """Open a connection to *base_url* that the first socket or request finds ready."""
    async with client_pool() as pool:
        with ERRORS.translated():
            async with asyncio.timeout(CONNECT_S), pool.http.head(base_url, allow_redirects=False):
                pass


async def checked(base_url: str, path: str, key: str) -> HealthReport:
    """Whether *key* is accepted, and the name of what is at *path*.

    A key may be made for one product alone and may not read anything. That it is told so shows
    that it is a key. Raises PatterError for a refusal.
    """
    async with client_pool() as pool:
        with ERRORS.translated():
            async with (
                asyncio.timeout(CHECK_S),
                pool.http.get(f"{base_url}{path}", headers={"xi-api-key": key}) as response,
            ):
                body: Any = await _json(response)
    wall = _date(response.headers.get("Date", ""))
    if response.status < 400:
        name = body.get("name") if isinstance(body, dict) else None
        return HealthReport(text=str(name or "")[:60], wall=wall)
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, dict) and _NARROW in (detail.get("status"), detail.get("code")):
        return HealthReport(text="the key may not read this; it is a key", wall=wall)
    raise of_answer(response.status, body, response.headers, key)


async def _json(response: aiohttp.ClientResponse) -> object:
    try:
        return orjson.loads(await response.content.read(MOST_ERROR_BYTES))
    except (orjson.JSONDecodeError, aiohttp.ClientPayloadError):
        return None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
