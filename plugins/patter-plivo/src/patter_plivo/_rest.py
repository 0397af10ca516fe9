"""Plivo's REST API: one client, every wait bounded, every refusal an error with a fix.

Only what may be asked twice is asked again. Source: docs.plivo.com/docs/voice/api, plivo 4.63.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias
from urllib.parse import quote

import attrs
import orjson
from aiohttp import ClientError, ClientSession

from patter.aio import deadline
from patter.carriers.vendor_api import unavailable, unreachable, with_retries
from patter.clock import Clock, LoopClock
from patter.errors import AuthenticationError, PatterError, ProvisionError
from patter.vendors.errors import retry_after_ms

LIMIT_S = 10.0
STREAM_S = 3.0
BACKOFF_MS = (250.0, 500.0)
TIMEOUT_FIX = "see status.plivo.com; it may have been done all the same"

Json: TypeAlias = Mapping[str, Any]


@attrs.frozen
class Response:
    """Plivo's response to a request for *what*."""

    what: str
    status: int
    body: Json = attrs.field(factory=dict, repr=False)
    retry_after_ms: float = 0

    @property
    def gone(self) -> bool:
        """Does Plivo know nothing by that name?"""
        return self.status == 404

    @property
    def reason(self) -> str:
        """Plivo's own words, for people."""
        raw = self.body.get("error") or self.body.get("message") or ""
        words = raw if isinstance(raw, str) else orjson.dumps(raw).decode()
        return "".join(filter(str.isprintable, words))[:300] or "it did not say why"

    def result(self, fix: str) -> Json:
        """The body. Raises ProvisionError, with *fix*, when Plivo did not do it."""
        if self.status >= 400:
            raise ProvisionError(
                f"Plivo could not {self.what} (HTTP {self.status}): {self.reason}", fix=fix
            )
        return self.body


@attrs.define(eq=False, kw_only=True)
class PlivoApi:
    """Requests on behalf of one account, over *http*, which carries its credentials.

    No request takes longer than *limit_s*, with all its attempts; some less.
    """

    http: ClientSession = attrs.field(repr=False)
    base: str
    account: str
    limit_s: float = LIMIT_S
    clock: Clock = attrs.field(factory=LoopClock)

    async def get(self, what: str, *path: str, **query: str) -> Response:
        """Read. Raises PatterError when there is no response of use; as all of these do."""
        return await self._with_retries(what, "GET", path, query=query)

    async def put(self, what: str, *path: str, body: Json, within_s: float = 0) -> Response:
        """Ask for a change that may be asked for twice."""
        return await self._with_retries(what, "POST", path, body=body, within_s=within_s)

    async def post(self, what: str, *path: str, body: Json, within_s: float = 0) -> Response:
        """Ask, once, for something that must not happen twice."""
        async with self._deadline(what, within_s):
            return await self._send(what, "POST", path, body=body)

    async def end(self, call: str) -> None:
        """End a call, also one that waits to ring; one that is over already is no error."""
        response = await self._with_retries("hang up", "DELETE", ("Call", call))
        if response.gone:
            response = await self._with_retries("cancel the call", "DELETE", ("Request", call))
        if not response.gone:
            response.result("hang up at console.plivo.com")

    async def stop_streams(self, call: str) -> None:
        """Stop the streams of a call; where there are none, that is no error."""
        path = ("Call", call, "Stream")
        response = await self._with_retries("stop the stream", "DELETE", path, within_s=STREAM_S)
        if not response.gone:
            response.result("see the call in Plivo's console")

    async def stop_recordings(self, call: str) -> None:
        """Stop the recordings of a call; each is kept."""
        path = ("Call", call, "Record")
        response = await self._with_retries("stop recording", "DELETE", path, within_s=STREAM_S)
        response.result("stop a recording while the call lasts")

    async def _with_retries(
        self,
        what: str,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        within_s: float = 0,
    ) -> Response:
        async def send() -> Response:
            return await self._send(what, method, path, query, body)

        async with self._deadline(what, within_s):
            return await with_retries(send, self.clock, BACKOFF_MS)

    def _deadline(self, what: str, within_s: float) -> AbstractAsyncContextManager[None]:
        """No request, with all its attempts, takes longer."""
        return deadline(within_s or self.limit_s, f"Plivo did not {what}", fix=TIMEOUT_FIX)

    async def _send(
        self,
        what: str,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Response:
        parts = "/".join(quote(part, safe="") for part in (self.account, *path))
        url = f"{self.base}/v1/Account/{parts}/"
        data = None if body is None else orjson.dumps(dict(body))
        try:
            async with self.http.request(method, url, params=query or None, data=data) as raw:
                pause_ms = retry_after_ms(raw.headers)
                response = Response(what, raw.status, _object(await raw.read()), pause_ms)
        except (ClientError, ConnectionError) as error:
            raise unreachable("Plivo", error) from error
        if (refusal := _refusal(response)) is not None:
            raise refusal
        return response


def _refusal(response: Response) -> PatterError | None:
    """The error of a response that is of no use whatever the request was."""
    match response.status:
        case 401:
            return AuthenticationError(
                "Plivo refused the auth token in PLIVO_AUTH_TOKEN (401)",
                fix="copy auth_id and auth_token from console.plivo.com, export both",
            )
        case 403:
            return AuthenticationError(
                f"Plivo does not let this account {response.what} (HTTP 403): {response.reason}",
                fix="allow it in console.plivo.com, under Voice > Geo Permissions for a country",
            )
    return unavailable(
        "Plivo",
        response.status,
        response.reason,
        page="status.plivo.com",
        retry_after_ms=response.retry_after_ms,
    )


def _object(raw: bytes) -> Json:
    """The JSON object in a body; empty when there is none."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
