"""How Soniox is reached and spoken to: sockets of the kit, with its key and its words for errors.

The sockets are aiohttp's, from the pool of the process: the vendor's SDK makes a TLS context for
each connection, which blocks the loop for tens of milliseconds. See the README for figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import orjson

from patter.errors import PatterError
from patter.vendors.options import socket_url
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_soniox._errors import ERRORS
from patter_soniox._options import PATH

HEARTBEAT_S = 10.0
"""Soniox says nothing while nobody speaks; a ping finds out that a line is dead."""

FAREWELL_S = 0.3
MOST_BYTES = 4 << 20

FINALIZE = '{"type":"finalize"}'
KEEP_ALIVE = '{"type":"keepalive"}'
END = ""
"""An empty frame ends the stream. It is a text, as the SDK sends it."""


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key. Soniox refuses a key that is in the first message, too."""
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def connected(
    base_url: str, key: str, start: Mapping[str, object]
) -> AsyncIterator[VendorSocket]:
    """A socket on which *start*, the configuration, was sent; Soniox does not acknowledge it.

    Entering raises PatterError when nobody answers, and leaving never. What Soniox has against
    the key or *start* comes as the first message.
    """
    opened = vendor_socket(
        socket_url(base_url, PATH),
        errors=ERRORS,
        headers=authorization(key),
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    )
    async with opened as socket:
        await socket.send(orjson.dumps(start).decode())
        try:
            yield socket
        finally:
            await _end(socket)


async def _end(socket: VendorSocket) -> None:
    """Tell Soniox that this was all, so that it stops at once; whether it listens is no matter."""
    try:
        async with asyncio.timeout(FAREWELL_S):
            await socket.send(END)
    except (PatterError, TimeoutError):
        return
