"""How AssemblyAI is reached and spoken to: sockets of the kit, with its key and its errors.

The sockets are aiohttp's, from the pool of the process: the vendor's SDK makes a TLS context for
each connection and queues what it sends without a bound. See the README for figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson

from patter.providers.health import HealthReport
from patter.vendors.options import Query
from patter.vendors.requests import checked
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_assemblyai._errors import ERRORS, hung_up

API_VERSION = "2025-05-12"
"""The version of the interface, as assemblyai 1.8.2 asks for it."""

HEARTBEAT_S = 10.0
"""AssemblyAI says nothing while nobody speaks; a ping finds out that a line is dead."""

MOST_BYTES = 4 << 20
TOKEN_S = 60
"""How long a temporary token may be used to connect; AssemblyAI allows 1 to 600 s."""


def encoded(kind: str, **fields: object) -> str:
    """A message to AssemblyAI."""
    return orjson.dumps({"type": kind, **fields}).decode()


TERMINATE = encoded("Terminate")
FORCE_ENDPOINT = encoded("ForceEndpoint")
KEEP_ALIVE = encoded("KeepAlive")


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key: as it is, without a scheme."""
    return {"Authorization": key}


def connected(
    base_url: str, query: Query, headers: Mapping[str, str], secret: str
) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket that is left with Terminate, which is what ends the time that is billed.

    Entering raises PatterError when AssemblyAI cannot be reached or does not answer in time. That
    it is open says nothing of the key: that is refused by a message. *secret* is in no error.
    """
    return vendor_socket(
        f"{base_url}/v3/ws",
        errors=ERRORS,
        headers={**headers, "AssemblyAI-Version": API_VERSION},
        query=query,
        hung_up=lambda code, reason: hung_up(code, reason.replace(secret, "...")),
        goodbye=TERMINATE,
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    )


async def check(base_url: str, key: str) -> HealthReport:
    """Ask AssemblyAI whether it knows *key*: a temporary token is made, which is free."""
    return await _ask_for_token(base_url, key, lambda _: "knows the key")


async def temporary_token(base_url: str, key: str) -> str:
    """A token that opens one session within a minute. Raises PatterError."""
    return (await _ask_for_token(base_url, key, _token_in)).text


async def _ask_for_token(base_url: str, key: str, text: Any) -> HealthReport:
    return await checked(
        f"{base_url}/v3/token?expires_in_seconds={TOKEN_S}",
        errors=ERRORS,
        headers=authorization(key),
        text=text,
    )


def _token_in(body: Any) -> str:
    token = body.get("token") if isinstance(body, dict) else None
    if not (isinstance(token, str) and token):
        raise ERRORS.garbled("an answer without a token")
    return token
