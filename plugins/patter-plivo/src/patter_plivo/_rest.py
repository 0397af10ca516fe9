"""Plivo's REST API: one client, every wait bounded, every refusal an error with a fix.

Only what may be asked twice is asked again. Source: docs.plivo.com/docs/voice/api, plivo 4.63.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias
from urllib.parse import quote

import attrs
import orjson
from aiohttp import ClientError, ClientSession

from patter.clock import Clock, LoopClock
from patter.errors import (
    AuthenticationError,
    PatterConnectionError,
    PatterError,
    ProvisionError,
    RateLimitError,
)
from patter.providers.vendor_api import bounded, patiently

LIMIT_S = 10.0
AGAIN_MS = (250.0, 500.0)
LATE = "see status.plivo.com; it may have been done all the same"

Json: TypeAlias = Mapping[str, Any]


def basic(account: str, token: str) -> str:
    """The ``Authorization`` of an account.

    >>> basic("MA1", "secret")
    'Basic TUExOnNlY3JldA=='
    """
    return "Basic " + b64encode(f"{account}:{token}".encode()).decode()


@attrs.frozen
class Answer:
    """What Plivo answered a request for *what*."""

    what: str
    status: int
    body: Json = attrs.field(factory=dict, repr=False)

    @property
    def gone(self) -> bool:
        """Does Plivo know nothing by that name?"""
        return self.status == 404

    @property
    def said(self) -> str:
        """Plivo's own words, for people."""
        told = self.body.get("error") or self.body.get("message") or ""
        words = told if isinstance(told, str) else orjson.dumps(told).decode()
        return "".join(filter(str.isprintable, words))[:300] or "it did not say why"

    def taken(self, fix: str) -> Json:
        """The body. Raises ProvisionError, with *fix*, when Plivo did not do as asked."""
        if self.status >= 400:
            raise ProvisionError(
                f"Plivo could not {self.what} (HTTP {self.status}): {self.said}", fix=fix
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

    async def get(self, what: str, *path: str, **query: str) -> Answer:
        """Read. Raises PatterError when there is no answer of use; as all of these do."""
        return await self._patiently(what, "GET", path, query=query)

    async def put(self, what: str, *path: str, body: Json, within_s: float = 0) -> Answer:
        """Ask for a change that may be asked for twice."""
        return await self._patiently(what, "POST", path, body=body, within_s=within_s)

    async def post(self, what: str, *path: str, body: Json, within_s: float = 0) -> Answer:
        """Ask, once, for something that must not happen twice."""
        async with self._bounded(what, within_s):
            return _useful(await self._ask(what, "POST", path, body=body))

    async def end(self, call: str) -> None:
        """End a call, also one that waits to ring; one that is over already is no error."""
        answer = await self._patiently("hang up", "DELETE", ("Call", call))
        if answer.gone:
            answer = await self._patiently("cancel the call", "DELETE", ("Request", call))
        if not answer.gone:
            answer.taken("hang up at console.plivo.com")

    async def _patiently(
        self,
        what: str,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        within_s: float = 0,
    ) -> Answer:
        async def ask() -> Answer:
            return _useful(await self._ask(what, method, path, query, body))

        async with self._bounded(what, within_s):
            return await patiently(ask, self.clock, AGAIN_MS)

    def _bounded(self, what: str, within_s: float) -> AbstractAsyncContextManager[None]:
        """No request, with all its attempts, takes longer."""
        return bounded(within_s or self.limit_s, f"Plivo did not {what}", fix=LATE)

    async def _ask(
        self,
        what: str,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Answer:
        parts = "/".join(quote(part, safe="") for part in (self.account, *path))
        url = f"{self.base}/v1/Account/{parts}/"
        data = None if body is None else orjson.dumps(dict(body))
        try:
            async with self.http.request(method, url, params=query or None, data=data) as answer:
                return Answer(what, answer.status, _object(await answer.read()))
        except (ClientError, ConnectionError) as error:
            raise PatterConnectionError(
                f"Plivo could not be reached to {what}: {type(error).__name__}",
                fix="see status.plivo.com and this machine's network",
            ) from error


def _useful(answer: Answer) -> Answer:
    """*answer*, unless it says nothing about what was asked. Raises PatterError."""
    if (error := _refusal(answer)) is not None:
        raise error
    return answer


def _refusal(answer: Answer) -> PatterError | None:
    told = f"(HTTP {answer.status}): {answer.said}"
    match answer.status:
        case 401:
            return AuthenticationError(
                "Plivo refused the auth token in PLIVO_AUTH_TOKEN (401)",
                fix="copy auth_id and auth_token from console.plivo.com, export both",
            )
        case 403:
            return AuthenticationError(
                f"Plivo does not let this account {answer.what} {told}",
                fix="allow it in console.plivo.com, under Voice > Geo Permissions for a country",
            )
        case 429:
            return RateLimitError(
                f"Plivo takes no more requests for now {told}",
                fix="place fewer calls a second, or ask Plivo for a higher limit",
            )
        case status if status >= 500:
            return PatterConnectionError(
                f"Plivo failed to {answer.what} {told}", fix="see status.plivo.com; try again"
            )
    return None


def _object(raw: bytes) -> Json:
    """The JSON object in an answer; nothing when there is none."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
