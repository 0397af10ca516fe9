"""Requests to Cerebras, over the HTTP client that all calls share.

Not by the vendor's SDK: it makes TLS settings for each client and keeps the loop for longer
(README). Tests hold us to its types.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import orjson

from patter.client_pool import client_pool
from patter.errors import PatterError
from patter_cerebras._body import IN_THREAD, ONE_PACKET, compressed, encoded
from patter_cerebras._errors import ERRORS, refused
from patter_cerebras._event_stream import EventStream, EventTooLong

if TYPE_CHECKING:
    import aiohttp

    from patter.providers.health import HealthReport

DONE = b"[DONE]"


@attrs.frozen(kw_only=True)
class Access:
    """Where requests go, with which key, and how they are written.

    *extra* are headers that go with requests for a reply.
    """

    base_url: str
    api_key: str = attrs.field(repr=False)
    gzip: bool = True
    msgpack: bool = True
    user_agent: str = ""
    extra: Mapping[str, str] = attrs.field(factory=dict)

    async def events(self, body: Mapping[str, Any]) -> AsyncGenerator[object, None]:
        """The events that answer *body*, as JSON was read; whoever asks bounds each wait.

        Closing this closes the connection, which is how Cerebras is told to stop; read to its
        end, the connection is kept. Raises PatterError.
        """
        data, headers = await self._written(body)
        url = f"{self.base_url}/chat/completions"
        async with client_pool() as pool:
            with ERRORS.translated():
                async with pool.http.post(
                    url, data=data, headers=headers, allow_redirects=False
                ) as answer:
                    await self._check(answer)
                    stream = EventStream()
                    async for piece in answer.content.iter_any():
                        for event in _events(stream, piece):
                            yield event

    async def check(self, model: str) -> HealthReport:
        """Are key, address and *model* accepted? Free of charge."""
        requests = await asyncio.to_thread(import_module, "patter.vendors.requests")
        report: HealthReport = await requests.checked(
            f"{self.base_url}/models/{quote(model, safe='')}",
            errors=ERRORS,
            headers=self.headers(),
            refused=self._refused,
            text=_name_of,
        )
        return report

    async def warm(self) -> None:
        """Import the client and open a connection that the next request takes over."""
        requests = await asyncio.to_thread(import_module, "patter.vendors.requests")
        await requests.warmed_connection(f"{self.base_url}/models", ERRORS)

    def headers(self) -> dict[str, str]:
        """Those that go with every request."""
        agent = {"User-Agent": self.user_agent} if self.user_agent else {}
        return {"Authorization": f"Bearer {self.api_key}", **agent}

    async def _written(self, body: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """*body* as it is sent, and all its headers."""
        data, kind = encoded(body, msgpack=self.msgpack)
        headers = {**self.headers(), **self.extra, **kind}
        if not self.gzip or len(data) <= ONE_PACKET:
            return data, headers
        if len(data) > IN_THREAD:
            data, how = await asyncio.to_thread(compressed, data)
        else:
            data, how = compressed(data)
        return data, {**headers, **how}

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        """Raise PatterError unless *answer* is a stream of events."""
        if answer.status != 200:
            from patter.vendors.requests import json_of

            raise self._refused(answer.status, await json_of(answer), answer.headers)
        if answer.content_type != "text/event-stream":
            raise ERRORS.garbled(answer.content_type)

    def _refused(self, status: int, body: object, headers: Mapping[str, str]) -> PatterError:
        return refused(status, body, headers, secret=self.api_key)


def _events(stream: EventStream, piece: bytes) -> list[object]:
    """What *piece* completes, as JSON was read. Raises PatterError."""
    try:
        return [orjson.loads(data) for data in stream.feed(piece) if data != DONE]
    except (EventTooLong, orjson.JSONDecodeError) as unreadable:
        raise ERRORS.garbled(type(unreadable).__name__) from None


def _name_of(model: Any) -> str:
    """What *model*, as Cerebras tells of it, is called."""
    name = model.get("id") if isinstance(model, Mapping) else None
    if not isinstance(name, str):
        raise ERRORS.garbled(type(model).__name__)
    return name
