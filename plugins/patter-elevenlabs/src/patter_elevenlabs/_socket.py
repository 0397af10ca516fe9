"""Sockets and answers of ElevenLabs, and what they mean when they are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp

from patter.errors import PatterError, ProviderError
from patter.providers.health import HealthReport
from patter.vendors import requests
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_elevenlabs._errors import ERRORS, of_answer, of_close

_NARROW = "missing_permissions"


def opened(
    url: str, query: Sequence[tuple[str, str]], key: str
) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket, open while inside. Raises PatterError as the vendor answers."""
    return vendor_socket(
        url,
        errors=ERRORS,
        headers={"xi-api-key": key},
        query=query,
        refused=_unopened,
        hung_up=of_close,
    )


def _unopened(answer: aiohttp.WSServerHandshakeError) -> PatterError:
    if answer.status != 400:
        return ERRORS.refused(answer.status, headers=answer.headers)
    # A key of the wrong shape and a model that has no socket are both answered so.
    return ProviderError(
        "ElevenLabs refused to open a socket (400)",
        fix="check ELEVENLABS_API_KEY, model_id, output_format and the other options",
    )


async def raise_refusal(response: aiohttp.ClientResponse, key: str) -> None:
    """Raise PatterError for an answer that is no success."""
    if response.status >= 400:
        body = await requests.json_of(response)
        raise of_answer(response.status, body, response.headers, key)


async def checked(base_url: str, path: str, key: str) -> HealthReport:
    """Whether *key* is accepted, and the name of what is at *path*.

    A key may be made for one product alone and may not read anything. That it is told so shows
    that it is a key. Raises PatterError for a refusal.
    """

    def refused(status: int, body: object, headers: Mapping[str, str]) -> PatterError | str:
        detail = body.get("detail") if isinstance(body, dict) else None
        if isinstance(detail, dict) and _NARROW in (detail.get("status"), detail.get("code")):
            return "the key may not read this; it is a key"
        return of_answer(status, body, headers, key)

    return await requests.checked(
        f"{base_url}{path}",
        errors=ERRORS,
        headers={"xi-api-key": key},
        refused=refused,
        text=_name,
    )


def _name(body: Any) -> str:
    name = body.get("name") if isinstance(body, dict) else None
    return str(name or "")[:60]
