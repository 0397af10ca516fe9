"""Requests to a vendor that cost nothing: is the key good, and is a connection open?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import aiohttp
import orjson

from patter.client_pool import CONNECT_S, client_pool
from patter.errors import PatterError
from patter.providers.health import HealthReport
from patter.vendors.dates import date_of
from patter.vendors.errors import VendorErrors

MOST_BYTES = 4 << 20
"""How much of an answer is read; an agent with its prompt may have two megabytes."""

RefusedAnswer: TypeAlias = Callable[[int, object, Mapping[str, str]], PatterError | str]
"""Words an answer by its status, its JSON (None if it has none) and its headers.

As a text, it is a good report: a key that may not read anything is refused, and is a key.
"""


async def checked(
    url: str,
    *,
    errors: VendorErrors,
    headers: Mapping[str, str],
    refused: RefusedAnswer | None = None,
    text: Callable[[Any], str] | None = None,
    answer_s: float = CONNECT_S,
) -> HealthReport:
    """What *url* answers to a GET with the key in *headers*; *text* is read off its JSON.

    Raises PatterError for a refusal, and when the vendor has not answered within *answer_s*.
    """
    async with client_pool() as pool:
        with errors.translated():
            async with (
                asyncio.timeout(answer_s),
                pool.http.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                body = await json_of(answer)
    if answer.status != 200:
        if refused is None:
            raise errors.refused(answer.status, headers=answer.headers)
        outcome = refused(answer.status, body, answer.headers)
        if isinstance(outcome, PatterError):
            raise outcome
        return HealthReport(text=outcome, wall=date_of(answer.headers))
    if body is None:
        raise errors.garbled(answer.headers.get("Content-Type", ""))
    return HealthReport(text=text(body) if text else "", wall=date_of(answer.headers))


async def warmed_connection(base_url: str, errors: VendorErrors) -> None:
    """Open a connection to *base_url* that the next request or socket finds ready."""
    async with client_pool() as pool:
        with errors.translated():
            async with asyncio.timeout(CONNECT_S), pool.http.head(base_url, allow_redirects=False):
                return


async def json_of(answer: aiohttp.ClientResponse) -> Any:
    """The JSON of *answer*, None for anything else, and for more than `MOST_BYTES`."""
    body = bytearray()
    try:
        # What there is of it, is read at once; the rest comes in packets of its own.
        while len(body) <= MOST_BYTES and (part := await answer.content.readany()):
            body += part
        return orjson.loads(body) if len(body) <= MOST_BYTES else None
    except (orjson.JSONDecodeError, aiohttp.ClientPayloadError):
        return None
