"""Connecting: sockets and answers of ElevenLabs through the clients of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from patter.client_pool import CONNECT_S, ClientPool, client_pool
from patter.errors import PatterError, ProviderError
from patter.providers.health import HealthReport
from patter_elevenlabs._errors import ERRORS, of_answer

CLOSE_S = 0.5
"""How long the farewell to a socket may take."""

BEAT_S = 20.0
"""How often a socket is pinged; one that does not answer in half of it is dead."""

MOST_BYTES = 16 << 20
"""Of one message: the size that the vendor's own client takes."""

MOST_ERROR_BYTES = 64 << 10
_CHECK_S = 4.0
_NO_KEY = {"missing_permissions"}


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


async def raise_refusal(response: aiohttp.ClientResponse, key: str) -> None:
    """Raise PatterError for an answer that is no success."""
    if response.status < 400:
        return
    raise of_answer(response.status, await _json(response), response.headers, key)


async def _json(response: aiohttp.ClientResponse) -> object:
    try:
        return orjson.loads(await response.content.read(MOST_ERROR_BYTES))
    except (orjson.JSONDecodeError, aiohttp.ClientError):
        return None


async def warm(base_url: str) -> None:
    """Open a connection to *base_url* that the first socket or request finds ready."""
    async with client_pool() as pool:
        with ERRORS.translated():
            async with asyncio.timeout(CONNECT_S), pool.http.head(base_url, allow_redirects=False):
                pass


@asynccontextmanager
async def asked(base_url: str, path: str, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to a question that costs nothing. Raises PatterError for a refusal.

    A key may be made for one product only and not be allowed to read anything; that it is told
    so shows that it is a key, and the answer is given to whoever asked.
    """
    async with client_pool() as pool:
        with ERRORS.translated():
            async with (
                asyncio.timeout(_CHECK_S),
                pool.http.get(f"{base_url}{path}", headers={"xi-api-key": key}) as response,
            ):
                yield response


async def checked(base_url: str, path: str, key: str) -> HealthReport:
    """Whether *key* may be used, and what is at *path*, by its name."""
    async with asked(base_url, path, key) as response:
        body: Any = await _json(response)
        wall = _date(response.headers.get("Date", ""))
        if response.status < 400:
            name = body.get("name") if isinstance(body, dict) else None
            return HealthReport(text=str(name or "")[:60], wall=wall)
        if _is_narrow(body):
            return HealthReport(text="the key may not read this, so only it was checked", wall=wall)
        raise of_answer(response.status, body, response.headers, key)


def _is_narrow(body: object) -> bool:
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return False
    return bool(_NO_KEY & {str(detail.get("status")), str(detail.get("code"))})


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def closed_by(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """The code with which *socket* was closed, and the reason if it has one."""
    code = socket.close_code
    return code, ""


__all__ = [
    "BEAT_S",
    "CLOSE_S",
    "PatterError",
    "asked",
    "checked",
    "closed_by",
    "connect",
    "raise_refusal",
    "warm",
]
