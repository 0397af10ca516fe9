"""One WebSocket to a vendor, whose every failure is an error of ours, and whose waits all end.

    async with vendor_socket(url, errors=ERRORS, headers=..., query=...) as socket:
        await socket.send(message)
        async for message in socket: ...

It comes from the process' pool: no client and no TLS context is made for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
import attrs
import orjson

from patter.aio import in_time
from patter.client_pool import CONNECT_S, client_pool
from patter.errors import PatterError
from patter.vendors.errors import VendorErrors

if TYPE_CHECKING:
    from yarl import URL

SEND_S = 2.0
"""How long a message may wait for a line that takes nothing; audio of a call does not wait."""

GOODBYE_S = 0.5
"""How long leaving may take: a call is over, and others go on."""

HEARTBEAT_S = 20.0
"""How often a socket is pinged; one that does not answer within half of it is dead."""

MOST_BYTES = 16 << 20
"""What a message may have, unless a plugin that expects small ones says less."""

Refused: TypeAlias = Callable[[aiohttp.WSServerHandshakeError], PatterError]
HungUp: TypeAlias = Callable[[int | None, str], PatterError]


@attrs.frozen(eq=False)
class VendorSocket:
    """An open socket; *hung_up(code, reason)* is the error for its end."""

    errors: VendorErrors
    hung_up: HungUp
    _socket: aiohttp.ClientWebSocketResponse

    async def send(self, message: str | bytes) -> None:
        """Send a text or binary message. Raises PatterError when nobody takes it."""
        with self.errors.translated():
            try:
                if isinstance(message, str):
                    await in_time(self._socket.send_str(message), SEND_S)
                else:
                    await in_time(self._socket.send_bytes(message), SEND_S)
            except asyncio.CancelledError:
                # All sends of aiohttp wait for one future, which a send that was given up cancels.
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                raise ConnectionError from None

    async def receive(self) -> str | bytes:
        """The next message. Raises PatterError at the end of the socket, whoever ended it."""
        with self.errors.translated():
            message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                data: str | bytes = message.data
                return data
            case aiohttp.WSMsgType.CLOSE:
                raise self.hung_up(message.data, message.extra or "")
            case aiohttp.WSMsgType.ERROR:
                raise self.errors.unreachable(type(message.data).__name__)
            case _:
                raise self.hung_up(self._socket.close_code, "")

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while True:
            yield await self.receive()
            # Of a burst the first message is acted on before the rest is read.
            await asyncio.sleep(0)

    async def leave(self, goodbye: str | bytes = "") -> None:
        """Say *goodbye* and close; whether anybody listens does not matter any more."""
        try:
            async with asyncio.timeout(GOODBYE_S):
                if goodbye:
                    await self.send(goodbye)
                await self._socket.close()
        except (PatterError, aiohttp.ClientError, OSError, TimeoutError):
            return
        finally:
            # Of a line that broke aiohttp keeps the connection, and warns when it is collected.
            self._socket._response.close()


@asynccontextmanager
async def vendor_socket(
    url: str | URL,
    *,
    errors: VendorErrors,
    headers: Mapping[str, str] | None = None,
    query: Sequence[tuple[str, str]] = (),
    refused: Refused | None = None,
    hung_up: HungUp | None = None,
    goodbye: str | bytes = "",
    connect_s: float = CONNECT_S,
    heartbeat_s: float = HEARTBEAT_S,
    protocols: Sequence[str] = (),
    most_bytes: int = MOST_BYTES,
) -> AsyncIterator[VendorSocket]:
    """Connect to *url* within *connect_s*, and leave with *goodbye*.

    Raises PatterError as the vendor answers, or for its silence.

    *refused* words a handshake that was refused, *hung_up* a socket that was closed; otherwise
    *errors* does. The key belongs into *headers*, or where the vendor wants it, never into *url*;
    an address that the vendor has signed is a URL, which is taken as it is.
    A message of more than *most_bytes* ends the socket.
    """
    async with client_pool() as pool:
        with errors.translated():
            try:
                async with asyncio.timeout(connect_s):
                    opened = await pool.http.ws_connect(
                        url,
                        params=query,
                        headers=headers,
                        heartbeat=heartbeat_s,
                        protocols=protocols,
                        max_msg_size=most_bytes,
                        timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_S),
                    )
            except aiohttp.WSServerHandshakeError as answer:
                if refused is None:
                    raise
                raise refused(answer) from None
        socket = VendorSocket(errors, hung_up or errors.hung_up, opened)
        try:
            yield socket
        finally:
            await socket.leave(goodbye)


def decoded(message: str | bytes, errors: VendorErrors) -> Mapping[str, Any]:
    """The JSON object in *message*. Raises ProviderError for anything else."""
    try:
        body = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise errors.garbled(message) from None
    if not isinstance(body, dict):
        raise errors.garbled(message)
    return body
