"""The server's connections: bounded in number and in time wherever no request is being served.

Requests are limited per address once their headers are complete. Before that, and between two
requests, a connection is bounded here: one that waits for too long is dropped, and of too many
the one that has waited longest goes first. So a newcomer is never kept out by who is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from patter.server.client_address import customer

READ_BYTES = 32_768
"""What is read of one connection before others have their turn."""


class Connection(RequestHandler):
    """One connection, which tells *connections* when it begins and stops to be served."""

    __slots__ = ("_connections", "_is_deaf")

    def __init__(self, connections: Connections, server: Any, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._connections, self._is_deaf = connections, False

    def stop_reading(self) -> None:
        """Whatever comes from now on is not even kept: the answer to come is the last."""
        self._is_deaf = True
        # What came behind a handshake would be read as requests once that is refused.
        self._message_tail = b""

    def data_received(self, data: bytes) -> None:
        if not self._is_deaf:
            super().data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # asyncio's own setting: 256 KB of small frames are 30 ms of work for one socket.
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        finished = await super().finish_response(request, resp, start_time)
        self._connections.answered(self)
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP: as short as the sender's right to one."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        self._connections.on_malformed(address_of(self))
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun, so there can be no other")
        refusal = web.Response(status=status)
        refusal.force_close()
        return refusal


def address_of(connection: RequestHandler) -> str:
    """Whose limits *connection* counts against; empty when it is gone."""
    peer = connection.peername
    return customer(peer[0]) if isinstance(peer, tuple) else str(peer or "")


@attrs.define(eq=False)
class _Waiting:
    """A connection without a request."""

    address: str
    timer: asyncio.TimerHandle


@attrs.define(eq=False, kw_only=True)
class Connections:
    """All of them. Times in seconds.

    *first_s*: how long a connection may take to its first request; *next_s*: from one answer to
    the next complete request. Of one address *most_of_one* may wait, and *most_waiting* in all;
    *most* may be open. *on_malformed(address)* is told of what is no HTTP.
    """

    first_s: float = 10.0
    next_s: float = 15.0
    most_of_one: int = 256
    most_waiting: int = 1_024
    most: int = 8_192
    on_malformed: Callable[[str], None] = lambda _: None
    _open: set[RequestHandler] = attrs.field(factory=set, init=False)
    _waiting: dict[RequestHandler, _Waiting] = attrs.field(factory=dict, init=False)
    _of_one: dict[str, dict[RequestHandler, None]] = attrs.field(factory=dict, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    def maker(self, server: Callable[..., Any], *, lingering_s: float) -> Callable[[], Connection]:
        """The protocol factory for what *server*, of aiohttp, answers.

        The rest of a refused body is read and dropped for *lingering_s*.
        """
        return partial(
            Connection,
            self,
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,
            # Whether a body may be packed is the middleware's to say, before any is unpacked.
            auto_decompress=False,
            lingering_time=lingering_s,
        )

    def opened(self, connection: RequestHandler) -> None:
        """A connection was accepted: it may stay, perhaps in the place of another."""
        address = address_of(connection)
        if self._closed:
            abort(connection)
            return
        self._open.add(connection)
        self._wait(connection, address, self.first_s)
        if len(self._of_one[address]) > self.most_of_one:
            self._drop(next(iter(self._of_one[address])))
        if len(self._waiting) > self.most_waiting or len(self._open) > self.most:
            self._drop(next(iter(self._waiting)))

    def closed(self, connection: RequestHandler) -> None:
        """It is gone."""
        self._open.discard(connection)
        self.request_received(connection)

    def request_received(self, connection: RequestHandler) -> None:
        """The headers of a request are complete: from here on the request is bounded."""
        if (waiting := self._waiting.pop(connection, None)) is None:
            return
        waiting.timer.cancel()
        others = self._of_one[waiting.address]
        del others[connection]
        if not others:
            del self._of_one[waiting.address]

    def answered(self, connection: RequestHandler) -> None:
        """A request is over, and another may follow."""
        if connection in self._open:
            self.request_received(connection)
            self._wait(connection, address_of(connection), self.next_s)

    def close(self) -> None:
        """Drop the connections that wait, and those that were accepted but reach us only now."""
        self._closed = True
        for connection in tuple(self._waiting):
            self._drop(connection)

    def _wait(self, connection: RequestHandler, address: str, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(within_s, self._drop, connection)
        self._waiting[connection] = _Waiting(address, timer)
        self._of_one.setdefault(address, {})[connection] = None

    def _drop(self, connection: RequestHandler) -> None:
        self.closed(connection)
        abort(connection)


def abort(connection: RequestHandler) -> None:
    """End it at once, whatever it waits for."""
    if connection.transport is not None:
        connection.transport.abort()
