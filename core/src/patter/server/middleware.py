"""The middleware of every request: its proof, its limits, its body, and its errors.

What costs least is asked first: the headers, the signature of a media token, the limits of the
address, and only then the body, bounded in bytes and in time. A media socket that is refused
after its handshake is closed with code 1008 and the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import attrs
from aiohttp import WSCloseCode, hdrs, web
from aiohttp.typedefs import Handler, Middleware

from patter.application import containment
from patter.carriers.webhooks import BODY_BYTES
from patter.errors import PatterError, WebhookVerificationError
from patter.limited_log import LimitedLog
from patter.server.admission import Admission
from patter.server.client_address import client_address, is_untrusted_proxy
from patter.server.connections import Connection, Connections, abort
from patter.server.replies import (
    BodyEncoded,
    BodyTooSlow,
    as_patter_error,
    error_response,
    log,
    too_large,
)
from patter.server.tokens import TokenSigner

# Load balancers ask these all the time, often from one address; a full server must answer them.
UNLIMITED = frozenset({"/health", "/ready"})
_answer: ContextVar[web.StreamResponse | None] = ContextVar("patter_answer", default=None)


async def note_started(_: web.Request, response: web.StreamResponse) -> None:
    """Remember the response that has begun to be sent: after it there can be no other."""
    _answer.set(response)


@attrs.define(eq=False)
class ProxyHint:
    """Says once that a proxy is not trusted, so that all callers behind it share its limits."""

    _warned: bool = attrs.field(default=False, init=False)

    def untrusted(self, address: str) -> None:
        """*address* sent an X-Forwarded-For, and nobody has said that it may."""
        if not self._warned:
            self._warned = True
            log.warning(
                "%s says whom its requests come from, and is not believed: all share its limits; "
                "fix: if it is your proxy, --trusted-proxies %s",
                address,
                address,
            )


@attrs.frozen
class Guard:
    """The middleware. *body_limit* in bytes, *body_s* how long a body may take.

    *webhooks* are the paths at which carriers send what they have signed, as the router has them.
    """

    admission: Admission
    tokens: TokenSigner
    connections: Connections
    body_limit: int
    body_s: float
    webhooks: frozenset[str] = frozenset()
    proxies: ProxyHint = attrs.field(factory=ProxyHint)
    refusals: LimitedLog = attrs.field(factory=lambda: LimitedLog(log))

    def middleware(self) -> Middleware:
        """Return it in the form aiohttp takes."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.connections.request_received(request.protocol)
            _answer.set(None)
            try:
                with containment():
                    return await self._served(request, handler)
            except web.HTTPException as exc:
                if isinstance(exc, web.HTTPRequestEntityTooLarge):
                    return await _refused(request, as_patter_error(exc, request, self.refusals))
                raise
            except Exception as exc:
                if _has_left(request, exc):
                    return web.Response(status=400)
                return await _refused(request, as_patter_error(exc, request, self.refusals))

        return guard

    async def _served(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in UNLIMITED:
            return await handler(request)
        path = _route(request)
        forged = self._forged(request, path)
        may_prove = forged is None and (path in self.webhooks or _is_media(request, path))
        drop = partial(abort, request.protocol)
        slots = self.admission.slot(self._address(request), may_prove=may_prove, drop=drop)
        with slots as slot:
            if forged is not None:
                raise forged
            if _is_media(request, path):
                slot.refund()
            self._check_headers(request, BODY_BYTES if path in self.webhooks else self.body_limit)
            # A multipart body stays a stream for its handler; carriers send none.
            parts = request.content_type.startswith("multipart/")
            if path in self.webhooks or not parts:
                await self._read_body(request)
            slot.arrived()
            with self._body_in_time(request):
                return await handler(request)

    async def _read_body(self, request: web.Request) -> None:
        """Read the body once for all handlers. Raises BodyTooSlow."""
        try:
            async with asyncio.timeout(self.body_s):
                await request.read()
        except TimeoutError as late:
            raise BodyTooSlow(
                f"the body did not come within {self.body_s:g} s", fix="send it again, faster"
            ) from late

    def _address(self, request: web.Request) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        trusted = self.admission.limits.trusted_proxies
        address = client_address(request.remote or "", forwarded, trusted)
        if is_untrusted_proxy(request.remote or "", forwarded, trusted):
            self.proxies.untrusted(address)
        return address

    def _forged(self, request: web.Request, path: str) -> WebhookVerificationError | None:
        """Why the media token in the URL is none of ours; None if it is one, or none is asked."""
        if not _is_media(request, path):
            return None
        try:
            self.tokens.read(request.match_info["token"])
        except WebhookVerificationError as forged:
            return forged
        return None

    def _check_headers(self, request: web.Request, limit: int) -> None:
        """Raise for a body that is not even begun to be read."""
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        # Unpacking is work, of any size, for who has proved nothing; no carrier packs.
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
            raise BodyEncoded("the body is packed", fix="send it without Content-Encoding")

    @contextmanager
    def _body_in_time(self, request: web.Request) -> Iterator[None]:
        """End the connection of a body that its handler waits for in vain."""
        if request.content.is_eof():
            yield
            return
        late = asyncio.get_running_loop().call_later(self.body_s, _end_late, request)
        try:
            yield
        finally:
            late.cancel()


def _has_left(request: web.Request, exc: Exception) -> bool:
    """Is nobody there to be answered? They left, or had to make room for others."""
    transport = request.transport
    return transport is None or (transport.is_closing() and isinstance(exc, ConnectionError))


def _end_late(request: web.Request) -> None:
    if not request.content.is_eof():
        abort(request.protocol)


def _stop_reading(request: web.Request) -> None:
    """Read no more of a refused client, which may go on sending frames of the socket it wanted."""
    if isinstance(request.protocol, Connection):
        request.protocol.stop_reading()


def _route(request: web.Request) -> str:
    """The path of the route that serves *request*, as the router has it; empty for none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _is_media(request: web.Request, path: str) -> bool:
    """Does *request* open the media socket of a call, whose token is in the URL?"""
    return path.startswith("/media/") and "token" in request.match_info


async def _refused(request: web.Request, error: PatterError) -> web.StreamResponse:
    """Answer with *error*, or close the WebSocket that was opened already."""
    response = _answer.get()
    if response is None:
        answer = error_response(error)
        # The client may have sent frames after its handshake; they would be read as requests.
        if hdrs.UPGRADE in request.headers:
            answer.force_close()
            _stop_reading(request)
        return answer
    if isinstance(response, web.WebSocketResponse):
        # A close frame holds 125 bytes, of which the code takes two; half a character is dropped.
        reason = error.message.encode()[:120].decode(errors="ignore")
        await response.close(code=WSCloseCode.POLICY_VIOLATION, message=reason.encode())
    return response
