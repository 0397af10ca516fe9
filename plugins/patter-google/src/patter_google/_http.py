"""Requests to Gemini over the pool's HTTP client: streams, and questions that cost nothing.

Google's SDK is not used for them: its client takes 0.1 s of computing for its first request and
14 ms for each further one, and reads every piece of the answer three times (see the README).
Tests hold our bodies to its types, and it to our double.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from patter.client_pool import KEEP_S, ClientPool, client_pool
from patter.errors import PatterError
from patter.providers.health import HealthReport
from patter.vendors.dates import date_of
from patter.vendors.http_api import HttpApi
from patter_google._errors import ERRORS, refused
from patter_google._vertex import TokenSource

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

GEMINI_VERSION = "v1beta"
CLOUD_VERSION = "v1beta1"
"""The versions that take all that is sent here; those without beta take what is settled."""

CHECK_S = 5.0
FRESH_S = KEEP_S / 2
"""A connection that was used so recently is still open: there is nothing to warm."""

_COUNTED = {"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}


@attrs.define(eq=False)
class _Warmth:
    """When a connection was last warmed."""

    at_s: float = -math.inf

    def close(self) -> None:
        self.at_s = -math.inf


@attrs.frozen(kw_only=True)
class Access:
    """Where requests go, and what lets them in: a key, or with *project* a token of the cloud.

    An empty *version* is the one that takes most.
    """

    base_url: str
    model: str
    api_key: str = attrs.field(default="", repr=False)
    project: str = ""
    location: str = ""
    version: str = ""
    credentials: Credentials | None = attrs.field(default=None, repr=False, eq=False)

    @property
    def path(self) -> str:
        """The model's own address.

        >>> Access(base_url="https://x", model="gemini-2.5-flash").path
        'https://x/v1beta/models/gemini-2.5-flash'
        """
        model = quote(self.model.removeprefix("models/"), safe="/")
        if not self.project:
            return f"{self.base_url}/{self.version or GEMINI_VERSION}/models/{model}"
        place = f"projects/{quote(self.project)}/locations/{quote(self.location)}"
        published = model if "/" in model else f"publishers/google/models/{model}"
        return f"{self.base_url}/{self.version or CLOUD_VERSION}/{place}/{published}"

    async def events(
        self, body: Mapping[str, Any], silence_s: float
    ) -> AsyncGenerator[object, None]:
        """The pieces that answer *body*, as JSON was read.

        Closing this closes the connection, which is how the vendor is told to stop; read to its
        end, the connection is kept. Raises PatterError.
        """
        async with self._api() as api:
            answer = api.events(":streamGenerateContent?alt=sse", body, silence_s)
            async with aclosing(answer) as events:
                async for event in events:
                    yield event

    async def warm(self) -> None:
        """Import, find credentials, and open a connection by asking for nothing that costs."""
        async with client_pool() as pool:
            key = ("google-warm", self.base_url, self.api_key, self.project)
            warmth, now = pool.client(key, _Warmth), asyncio.get_running_loop().time
            if now() - warmth.at_s < FRESH_S:
                return
            await self.check()
            warmth.at_s = now()

    async def check(self) -> HealthReport:
        """Ask whether key, address and model are accepted; the vendor's time is in the report.

        Vertex AI is asked to count tokens, which is free and needs the same rights as an answer.
        """
        method, path, payload = (
            ("POST", ":countTokens", _COUNTED) if self.project else ("GET", "", None)
        )
        with ERRORS.translated():
            async with (
                asyncio.timeout(CHECK_S),
                self._api() as api,
                api.answer(method, path, payload, silence_s=CHECK_S) as answer,
            ):
                from patter.vendors.requests import json_of

                body = await json_of(answer)
        if not isinstance(body, dict) or not ({"name", "totalTokens"} & body.keys()):
            raise ERRORS.garbled(type(body).__name__)
        name = str(body.get("name") or self.model).removeprefix("models/")
        return HealthReport(text=name, wall=date_of(answer.headers))

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[HttpApi]:
        """Requests about the model, with what lets them in."""
        async with client_pool() as pool:
            key = await self._key(pool)
            yield HttpApi(base_url=self.path, errors=ERRORS, refused=self._refused, headers=key)

    async def headers(self) -> dict[str, str]:
        """What lets a handshake in. Raises PatterError."""
        async with client_pool() as pool:
            return await self._key(pool)

    async def _key(self, pool: ClientPool) -> dict[str, str]:
        """The header that lets requests in."""
        if not self.project:
            return {"x-goog-api-key": self.api_key}
        key = ("google-token", id(self.credentials) if self.credentials else 0)
        source = pool.client(key, lambda: TokenSource(self.credentials))
        return {"Authorization": f"Bearer {await source.token()}"}

    def _refused(self, status: int, body: object, headers: Mapping[str, str]) -> PatterError:
        return refused(status, body, headers=headers, secret=self.api_key)
