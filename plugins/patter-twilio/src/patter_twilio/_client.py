"""Twilio's own client over our session. Imported in a thread: the library takes its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientError, ClientSession
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from patter.carriers.vendor_api import basic_authorization, unreachable, unusable
from patter.vendors.errors import retry_after_ms
from patter_twilio._refusal import refusal

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

NO_ENVIRONMENT: Mapping[str, str] = {"TWILIO_NOTHING": "read"}
"""What Twilio's client may read instead of the environment: nothing."""


def made(settings: Twilio, session: ClientSession) -> Any:
    """Twilio's client, with all it imports when first used."""
    client = Client(
        settings.account_sid,
        settings.auth_token,
        region=settings.region or None,
        edge=settings.edge or None,
        http_client=SharedHttp(session, settings.api_base),
        environment=NO_ENVIRONMENT,
    )
    client.get_headers("GET", None)
    # Each of these imports its part of the library when it is first asked for.
    _ = (client.calls(settings.account_sid).recordings, client.incoming_phone_numbers)
    return client


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
