"""Requests to Cerebras, over the HTTP client that all calls share.

Not by the vendor's SDK: it makes TLS settings for each client and keeps the loop for longer
(README). Tests hold us to its types.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from patter.vendors.http_api import HttpApi
from patter_cerebras._body import IN_THREAD, ONE_PACKET, compressed, encoded
from patter_cerebras._errors import ERRORS, refused


def api_of(base_url: str, api_key: str, user_agent: str = "") -> HttpApi:
    """Cerebras at *base_url*; *user_agent* is what its log calls us."""
    agent = {"User-Agent": user_agent} if user_agent else {}
    return HttpApi(
        base_url=base_url,
        errors=ERRORS,
        refused=partial(refused, secret=api_key),
        headers={"Authorization": f"Bearer {api_key}", **agent},
    )


async def written(
    body: Mapping[str, Any], *, gzip: bool, msgpack: bool
) -> tuple[bytes, dict[str, str]]:
    """*body* as it is sent, and the headers that say how; smaller where that saves packets."""
    data, headers = encoded(body, msgpack=msgpack)
    if not gzip or len(data) <= ONE_PACKET:
        return data, headers
    if len(data) > IN_THREAD:
        data, how = await asyncio.to_thread(compressed, data)
    else:
        data, how = compressed(data)
    return data, {**headers, **how}


def name_of(model: Any) -> str:
    """What *model*, as Cerebras tells of it, is called."""
    name = model.get("id") if isinstance(model, Mapping) else None
    if not isinstance(name, str):
        raise ERRORS.garbled(type(model).__name__)
    return name
