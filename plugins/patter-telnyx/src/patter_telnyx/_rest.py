"""Telnyx's REST API as this package uses it: its own client, over one shared pool.

Everything is bounded in time. Commands carry a command_id, by which Telnyx ignores one that it
has already; so all of them, dialling too, may be sent again when Telnyx fails.
Imported in a thread: Telnyx's library takes its time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import attrs
from httpx import Limits
from telnyx import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncTelnyx,
    DefaultAsyncHttpxClient,
)

from patter.aio import deadline
from patter.carriers.vendor_api import (
    ApiRefusal,
    unreachable,
    unusable,
    with_retries,
)
from patter.clock import Clock, LoopClock
from patter.errors import PatterConnectionError
from patter.vendors.errors import retry_after_ms
from patter_telnyx._refusal import is_over, refusal

if TYPE_CHECKING:
    from patter_telnyx.carrier import Telnyx

API = "https://api.telnyx.com/v2"
LIMITS = Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=55)
"""Between calls a connection stays open: no caller waits for another one's handshake."""
REST_S = 9.0
"""A call that waits for a command gives up after 10 s: the reason should be ours."""
STEP_S = 4.0
"""What a webhook waits for."""
TIMEOUT_FIX = "see status.telnyx.com, and the way from this machine to it"
_NAMES = uuid.UUID("5f0b6f7e-6a0e-4d6a-9c53-7e1d2f1c0a11")


@attrs.define(eq=False)
class TelnyxApi:
    """One account's calls and numbers. Every method raises PatterError."""

    client: AsyncTelnyx = attrs.field(repr=False)
    clock: Clock = attrs.field(factory=LoopClock, repr=False)

    async def dial(self, command_id: str, **options: object) -> str:
        """Place a call; its call_control_id."""
        data = await self._data("post", "/calls", {**options, "command_id": command_id})
        if not (call_id := data.get("call_control_id")):
            raise PatterConnectionError(
                "Telnyx took the dial without naming the call",
                fix="wait for its webhooks; it may ring all the same",
            )
        return str(call_id)

    async def command(
        self,
        call_id: str,
        action: str,
        params: Mapping[str, object] | None = None,
        *,
        once: str = "",
        within_s: float = REST_S,
    ) -> None:
        """Do *action* to a call. Commands with the same *once* are one, whichever process sends."""
        command_id = command_id_of(call_id, action, once) if once else str(uuid.uuid4())
        path = f"/calls/{quote(call_id, safe='')}/actions/{action}"
        await self._data("post", path, {**(params or {}), "command_id": command_id}, within_s)

    async def hangup(self, call_id: str, within_s: float = REST_S) -> None:
        """End a call; one that is over is no error."""
        try:
            await self.command(call_id, "hangup", within_s=within_s)
        except ApiRefusal as error:
            if not is_over(error):
                raise

    async def number(self, number: str) -> dict[str, Any] | None:
        """The account's *number*; None when it has no such."""
        response = await self._send("get", "/phone_numbers", {"filter[phone_number]": number})
        rows = response.get("data")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("phone_number") == number:
                return row
        return None

    async def set_number(self, number_id: str, **changes: object) -> None:
        """Change what becomes of calls to a number."""
        await self._data("patch", f"/phone_numbers/{quote(number_id, safe='')}", changes)

    async def application(
        self, connection_id: str, within_s: float = REST_S
    ) -> dict[str, Any] | None:
        """The Voice API application of that id; None when there is no such."""
        try:
            return await self._data("get", _application(connection_id), within_s=within_s)
        except ApiRefusal as error:
            if error.status == 404:
                return None
            raise

    async def set_application(self, connection_id: str, **changes: object) -> None:
        """Change where an application's webhooks go."""
        await self._data("patch", _application(connection_id), changes)

    async def _data(
        self, method: str, path: str, params: dict[str, Any] | None = None, within_s: float = REST_S
    ) -> dict[str, Any]:
        response = await self._send(method, path, params, within_s)
        data = response.get("data")
        return data if isinstance(data, dict) else {}

    async def _send(
        self, method: str, path: str, params: dict[str, Any] | None = None, within_s: float = REST_S
    ) -> dict[str, Any]:
        send = self._request(method, path, params)
        async with deadline(within_s, "Telnyx's API did not answer", fix=TIMEOUT_FIX):
            return await with_retries(send, self.clock)

    def _request(
        self, method: str, path: str, params: dict[str, Any] | None
    ) -> Callable[[], Awaitable[dict[str, Any]]]:
        client = self.client
        if method == "get":
            options: Any = {"params": params or {}}
            return lambda: _response(client.get(path, cast_to=object, options=options))
        send = client.patch if method == "patch" else client.post
        return lambda: _response(send(path, cast_to=object, body=params))


@asynccontextmanager
async def connected(settings: Telnyx) -> AsyncIterator[TelnyxApi]:
    """The API of an account, over connections that live while inside."""
    client = await asyncio.to_thread(_client, settings)
    async with client:
        yield TelnyxApi(client)


def command_id_of(*parts: str) -> str:
    """A command_id that is the same wherever and whenever it is made."""
    return str(uuid.uuid5(_NAMES, "\n".join(parts)))


def _client(settings: Telnyx) -> AsyncTelnyx:
    """Telnyx's client, with all it computes when first used, and nothing of the environment."""
    client = AsyncTelnyx(
        api_key=settings.api_key,
        public_key="",
        client_id="",
        client_secret="",
        base_url=settings.api_base or API,
        timeout=REST_S,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(limits=LIMITS),
    )
    client.platform_headers()
    # The library's connections load these with the first request: then a call would wait.
    import_module("anyio.streams.tls")
    anyio.run(_nothing)
    return client


async def _nothing() -> None:
    """Have the event loop's part of anyio loaded."""


async def _response(request: Awaitable[object]) -> dict[str, Any]:
    try:
        response = await request
    except APIStatusError as error:
        retry_ms = retry_after_ms(error.response.headers)
        raise refusal(error.status_code, error.body, retry_ms) from error
    except APIConnectionError as error:
        raise unreachable("Telnyx", error) from error
    except (APIError, ValueError) as error:
        raise unusable("Telnyx", type(error).__name__) from error
    if not isinstance(response, dict):
        raise unusable("Telnyx", "it is not a JSON object")
    return response


def _application(connection_id: str) -> str:
    return f"/call_control_applications/{quote(connection_id, safe='')}"
