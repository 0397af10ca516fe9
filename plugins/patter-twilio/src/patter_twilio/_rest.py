"""Twilio's REST API as this package uses it: its own client, over one shared session.

Everything is bounded in time. What may be asked twice is asked again when Twilio fails; a
call is never placed twice. Imported in a thread: Twilio's library takes its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

import attrs
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from patter.aio import deadline
from patter.carriers.vendor_api import (
    basic_authorization,
    unreachable,
    unusable,
    with_retries,
)
from patter.clock import Clock, LoopClock
from patter.errors import PatterError
from patter.vendors.errors import retry_after_ms
from patter_twilio._form import call_sid
from patter_twilio._refusal import refusal

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

T = TypeVar("T")
REST_S = 10.0
CONNECTIONS = 50
TIMEOUT_FIX = "see status.twilio.com, and the way from this machine to it"
NO_ENVIRONMENT: Mapping[str, str] = {"TWILIO_NOTHING": "read"}
"""What Twilio's client may read instead of the environment: nothing."""


class SharedHttp(AsyncHttpClient):  # type: ignore[misc]
    """Twilio's client speaks through *session*; to *api_base* instead of Twilio, if given."""

    def __init__(self, session: ClientSession, api_base: str = "") -> None:
        self.session, self.api_base = session, api_base
        self.is_async, self.timeout = True, None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002
        allow_redirects: bool = False,
    ) -> Response:
        """Ask Twilio. Raises PatterError for anything but success; the caller bounds the time."""
        try:
            async with self.session.request(
                method,
                self._url(uri),
                params={name: str(value) for name, value in (params or {}).items()},
                data=urlencode(data, doseq=True) if data else None,
                headers={**(headers or {}), **_authorization(auth)},
                allow_redirects=allow_redirects,
            ) as response:
                status, text = response.status, await response.text()
                retry_ms = retry_after_ms(response.headers)
        except ClientError as error:
            raise unreachable("Twilio", error) from error
        if status >= 300:
            raise refusal(status, text, retry_ms)
        if not text.startswith("{"):
            raise unusable("Twilio", "it is not a JSON object")
        return Response(status, text)

    def _url(self, uri: str) -> str:
        if not self.api_base:
            return uri
        parts = urlsplit(uri)
        return f"{self.api_base}{parts.path}{'?' if parts.query else ''}{parts.query}"


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": basic_authorization(*auth)}


@attrs.define(eq=False)
class TwilioApi:
    """One account's calls and numbers. Every method raises PatterError."""

    client: Any = attrs.field(repr=False)
    clock: Clock = attrs.field(factory=LoopClock, repr=False)

    async def dial(self, within_s: float = REST_S, **options: object) -> str:
        """Place a call, once; its sid."""
        call = await self._once(lambda: self.client.calls.create_async(**options), within_s)
        return call_sid(str(call.sid))

    async def change(self, sid: str, within_s: float = REST_S, **changes: object) -> None:
        """Give a call new instructions, or end it."""
        call = self.client.calls(sid)
        await self._with_retries(lambda: call.update_async(**changes), within_s)

    async def call(self, sid: str, within_s: float = REST_S) -> Any:
        """A call's resource at Twilio."""
        return await self._with_retries(self.client.calls(sid).fetch_async, within_s)

    async def record(self, sid: str, **options: object) -> None:
        """Begin to record a call, once."""
        recordings = self.client.calls(sid).recordings
        await self._once(lambda: recordings.create_async(**options))

    async def number(self, number: str) -> Any | None:
        """The account's *number*; None when it has no such."""
        numbers = self.client.incoming_phone_numbers
        rows = await self._with_retries(lambda: numbers.list_async(phone_number=number, limit=50))
        # Twilio looks for numbers that contain this one.
        return next((each for each in rows if each.phone_number == number), None)

    async def set_number(self, number_sid: str, **changes: object) -> None:
        """Change what Twilio does with calls to a number."""
        number = self.client.incoming_phone_numbers(number_sid)
        await self._with_retries(lambda: number.update_async(**changes))

    async def _once(self, send: Callable[[], Awaitable[T]], within_s: float = REST_S) -> T:
        async with _errors(within_s):
            return await send()

    async def _with_retries(self, send: Callable[[], Awaitable[T]], within_s: float = REST_S) -> T:
        async with _errors(within_s):
            return await with_retries(send, self.clock)


@asynccontextmanager
async def connected(settings: Twilio) -> AsyncIterator[TwilioApi]:
    """The API of an account, over a session that lives while inside."""
    bound = ClientTimeout(total=REST_S)
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS), timeout=bound) as session:
        http = SharedHttp(session, settings.api_base)
        yield TwilioApi(await asyncio.to_thread(_client, settings, http))


def _client(settings: Twilio, http: SharedHttp) -> Any:
    """Twilio's client, with all it imports when first used."""
    client = Client(
        settings.account_sid,
        settings.auth_token,
        region=settings.region or None,
        edge=settings.edge or None,
        http_client=http,
        environment=NO_ENVIRONMENT,
    )
    client.get_headers("GET", None)
    # Each of these imports its part of the library when it is first asked for.
    _ = (client.calls(settings.account_sid).recordings, client.incoming_phone_numbers)
    return client


@asynccontextmanager
async def _errors(within_s: float) -> AsyncIterator[None]:
    try:
        async with deadline(within_s, "Twilio's API did not answer", fix=TIMEOUT_FIX):
            yield
    except (TwilioException, ValueError) as error:
        if isinstance(error, PatterError):
            raise
        raise unusable("Twilio", type(error).__name__) from error
