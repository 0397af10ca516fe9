"""One WebSocket to Deepgram, whose every failure is an error of ours, and whose waits all end.

The sockets are aiohttp's, from the pool of the process: the vendor's SDK makes a TLS context for
each connection, which blocks the loop for tens of milliseconds. See the README for figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from patter.client_pool import CONNECT_S, client_pool
from patter.providers.health import HealthReport
from patter.vendors.options import Query
from patter_deepgram._errors import ERRORS, hung_up, refused

HEARTBEAT_S = 10.0
"""Pings keep sockets of Flux open while nothing is said, and find out that a line is dead."""

GOODBYE_S = 0.5
_GOODBYE = aiohttp.ClientWSTimeout(ws_close=GOODBYE_S)


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key; it is in no address."""
    return {"Authorization": f"Token {key}"}


async def connect(
    http: aiohttp.ClientSession, url: str, query: Query, key: str
) -> aiohttp.ClientWebSocketResponse:
    """Open a socket. Raises PatterError as Deepgram answers, or when it does not in time."""
    with ERRORS.translated():
        try:
            async with asyncio.timeout(CONNECT_S):
                return await http.ws_connect(
                    url,
                    params=query,
                    headers=authorization(key),
                    heartbeat=HEARTBEAT_S,
                    timeout=_GOODBYE,
                )
        except aiohttp.WSServerHandshakeError as handshake:
            raise refused(handshake, key) from None


async def receive(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[str | bytes]:
    """What Deepgram sends, until it hangs up, which raises what that means."""
    while True:
        with ERRORS.translated():
            message = await socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                yield message.data
            case aiohttp.WSMsgType.CLOSE:
                raise hung_up(message.data, message.extra or "")
            case aiohttp.WSMsgType.ERROR:
                raise ERRORS.unreachable(type(message.data).__name__)
            case _:
                raise hung_up(socket.close_code, "")


async def send(socket: aiohttp.ClientWebSocketResponse, message: str) -> None:
    """Send a text. Raises PatterConnectionError when the connection is gone."""
    with ERRORS.translated():
        await socket.send_str(message)


@asynccontextmanager
async def farewell(socket: aiohttp.ClientWebSocketResponse, goodbye: str) -> AsyncIterator[None]:
    """Leave *socket* with the text *goodbye*, so that Deepgram stops at once; never for long."""
    try:
        yield
    finally:
        await leave(socket, goodbye)


async def leave(socket: aiohttp.ClientWebSocketResponse, goodbye: str) -> None:
    """Say *goodbye* and close; whether anybody listens does not matter any more."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await socket.send_str(goodbye)
        await socket.close()
    except (aiohttp.ClientError, OSError, TimeoutError):
        pass  # it is gone already


def decoded(message: str | bytes) -> Mapping[str, Any]:
    """The JSON object in *message*. Raises ProviderError for anything else."""
    try:
        body = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise ERRORS.garbled(message) from None
    if not isinstance(body, dict):
        raise ERRORS.garbled(message)
    return body


def encoded(kind: str, **fields: object) -> str:
    """A message to Deepgram."""
    return orjson.dumps({"type": kind, **fields}).decode()


async def check(base_url: str, key: str) -> HealthReport:
    """Ask Deepgram whether it knows *key*, which is free."""
    async with client_pool() as pool:
        with ERRORS.translated():
            async with (
                asyncio.timeout(CONNECT_S),
                pool.http.get(f"{base_url}/v1/auth/token", headers=authorization(key)) as answer,
            ):
                if answer.status != 200:
                    raise ERRORS.refused(answer.status, headers=answer.headers)
                decoded(await answer.read())
                return HealthReport(text="knows the key", wall=_date(answer.headers))


def _date(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None
