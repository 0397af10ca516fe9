"""How Deepgram is reached and spoken to: sockets of the kit, with its key and its words for errors.

The sockets are aiohttp's, from the pool of the process: the vendor's SDK makes a TLS context for
each connection, which blocks the loop for tens of milliseconds. See the README for figures.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import orjson

from patter.providers.health import HealthReport
from patter.vendors.options import Query
from patter.vendors.requests import checked
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_deepgram._errors import ERRORS, hung_up, refused

HEARTBEAT_S = 10.0
"""Pings keep sockets of Flux open while nothing is said, and find out that a line is dead."""

MOST_BYTES = 4 << 20


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key; it is in no address."""
    return {"Authorization": f"Token {key}"}


def connected(
    url: str, query: Query, key: str, goodbye: str
) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket that is left with *goodbye*, so that Deepgram stops at once.

    Entering raises PatterError as Deepgram answers, or when it does not in time.
    """
    return vendor_socket(
        url,
        errors=ERRORS,
        headers=authorization(key),
        query=query,
        refused=lambda handshake: refused(handshake, key),
        hung_up=hung_up,
        goodbye=goodbye,
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    )


def encoded(kind: str, **fields: object) -> str:
    """A message to Deepgram."""
    return orjson.dumps({"type": kind, **fields}).decode()


async def check(base_url: str, key: str) -> HealthReport:
    """Ask Deepgram whether it knows *key*, which is free."""
    return await checked(
        f"{base_url}/v1/auth/token",
        errors=ERRORS,
        headers=authorization(key),
        text=lambda _: "knows the key",
    )
