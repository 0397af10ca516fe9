"""A vendor's HTTP API, over the client that all calls share: each refusal is an error of ours.

Importing this imports no HTTP client: the first request does, in a thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import orjson

from patter.client_pool import CONNECT_S, client_pool
from patter.errors import PatterError
from patter.vendors.errors import VendorErrors
from patter.vendors.event_stream import EventStream, EventTooLong

if TYPE_CHECKING:
    from aiohttp import ClientResponse, FormData

    from patter.providers.health import HealthReport
    from patter.vendors.requests import RefusedAnswer

Refusal: TypeAlias = Callable[[int, object, Mapping[str, str]], PatterError]
"""The error of an answer by its status, its JSON (None if it has none) and its headers."""

Body: TypeAlias = "Mapping[str, Any] | bytes | FormData | None"
"""Sent as JSON, or as it is."""

JSON, EVENTS = "application/json", "text/event-stream"
_DONE = b"[DONE]"
_REQUESTS = "patter.vendors.requests"


@attrs.frozen(kw_only=True)
class HttpApi:
    """The API at *base_url*; *headers*, the key in one of them, go with every request."""

    base_url: str
    errors: VendorErrors
    refused: Refusal = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    async def events(
        self,
        path: str,
        body: Body,
        silence_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[object, None]:
        """The server-sent events that answer *body*, as JSON was read.

        Closing this closes the connection, which is how a vendor is told to stop; read to its
        end, the connection is kept. Raises PatterError, also when *silence_s* pass without a byte,
        or with nothing but comments, by which some vendors keep a connection open.
        """
        stream, loop = EventStream(), asyncio.get_running_loop()
        came_s = loop.time()
        async with self.answer(
            "POST", path, body, silence_s=silence_s, kind=EVENTS, headers=headers
        ) as answer:
            async for piece in answer.content.iter_any():
                events = self._read(stream, piece)
                if not events and loop.time() - came_s > silence_s:
                    raise self.errors.late()
                for event in events:
                    yield event
                    came_s = loop.time()

    async def json(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        within_s: float,
    ) -> Any:
        """The whole answer, as JSON was read. Raises PatterError, also after *within_s*."""
        with self.errors.translated():
            async with (
                asyncio.timeout(within_s),
                self.answer(method, path, body, silence_s=within_s, kind=JSON) as answer,
            ):
                return await _requests().json_of(answer)

    async def form(
        self, fields: Iterable[tuple[str, str]], file: tuple[str, bytes, str]
    ) -> FormData:
        """A form with *fields*, and with ``file``: its name, its bytes and its content type."""
        await _imported()
        from aiohttp import FormData

        form = FormData()
        name, data, kind = file
        form.add_field("file", data, filename=name, content_type=kind)
        for field, value in fields:
            form.add_field(field, value)
        return form

    async def check(
        self,
        path: str,
        *,
        text: Callable[[Any], str] | None = None,
        refused: RefusedAnswer | None = None,
        answer_s: float = CONNECT_S,
    ) -> HealthReport:
        """As `patter.vendors.requests.checked`."""
        await _imported()
        report: HealthReport = await _requests().checked(
            f"{self.base_url}{path}",
            errors=self.errors,
            headers=self.headers,
            refused=refused or self.refused,
            text=text,
            answer_s=answer_s,
        )
        return report

    async def warm(self, path: str = "") -> None:
        """Import the client and open a connection that the next request takes over."""
        await _imported()
        await _requests().warmed_connection(f"{self.base_url}{path}", self.errors)

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        silence_s: float,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """A success, of content type *kind* if there is one, and its body still to be read.

        Raises PatterError, also when *silence_s* pass without a byte.
        """
        await _imported()
        from aiohttp import ClientTimeout

        limits = ClientTimeout(
            total=None, sock_connect=min(CONNECT_S, silence_s), sock_read=silence_s
        )
        json = isinstance(body, Mapping)
        sent = {**self.headers, **({"Content-Type": JSON} if json else {}), **(headers or {})}
        async with client_pool() as pool:
            with self.errors.translated():
                async with pool.http.request(
                    method,
                    f"{self.base_url}{path}",
                    data=orjson.dumps(body) if json else body,
                    headers=sent,
                    timeout=limits,
                    allow_redirects=False,
                    middlewares=(),
                ) as answer:
                    await self._check(answer, kind)
                    yield answer

    async def _check(self, answer: ClientResponse, kind: str) -> None:
        if answer.status >= 400:
            body = await _requests().json_of(answer)
            raise self.refused(answer.status, body, answer.headers)
        if answer.status >= 300:
            raise self.errors.garbled(f"a redirect ({answer.status})")
        if kind and answer.content_type != kind:
            raise self.errors.garbled(answer.content_type)

    def _read(self, stream: EventStream, piece: bytes) -> list[object]:
        """What *piece* completes. Raises PatterError."""
        try:
            return [orjson.loads(data) for data in stream.feed(piece) if data != _DONE]
        except (EventTooLong, orjson.JSONDecodeError) as unreadable:
            raise self.errors.garbled(str(unreadable)) from None


async def _imported() -> None:
    if _REQUESTS not in sys.modules:
        # It imports aiohttp, which takes a while and makes its TLS settings at it.
        await asyncio.to_thread(import_module, _REQUESTS)


def _requests() -> Any:
    return sys.modules[_REQUESTS]
