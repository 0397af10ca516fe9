"""The middleware of every request: its limits, its body, and its errors.

Bodies are read here, before any handler, bounded in bytes and in time; a media socket that is
refused after its handshake is closed with code 1008 and the reason.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import attrs
from aiohttp import WSCloseCode, hdrs, web
from aiohttp.typedefs import Handler, Middleware

from patter.errors import PatterError
from patter.server.admission import Admission, client_address
from patter.server.idle_connections import IdleConnections
from patter.server.replies import BodyTooSlow, as_patter_error, error_response, too_large

# Load balancers ask these all the time, often from one address; a full server must answer them.
UNLIMITED = frozenset({"/health", "/ready"})
_answer: ContextVar[web.StreamResponse | None] = ContextVar("patter_answer", default=None)


async def note_started(_: web.Request, response: web.StreamResponse) -> None:
    """Remember the response that has begun to be sent: after it there can be no other."""
    _answer.set(response)


@attrs.frozen
class Guard:
    """The middleware. *body_limit* in bytes, *body_s* how long a body may take."""

    admission: Admission
    body_limit: int
    body_s: float
    connections: IdleConnections

    def middleware(self) -> Middleware:
        """Return it in the form aiohttp takes."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.connections.request_received(request.protocol)
            _answer.set(None)
            try:
                return await self._served(request, handler)
            except web.HTTPException as exc:
                if isinstance(exc, web.HTTPRequestEntityTooLarge):
                    return await _refused(request, as_patter_error(exc, request))
                raise
            except Exception as exc:
                return await _refused(request, as_patter_error(exc, request))

        return guard

    async def _served(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in UNLIMITED:
            return await handler(request)
        forwarded = request.headers.getall("X-Forwarded-For", [])
        trusted = self.admission.limits.trusted_proxies
        with self.admission.slot(client_address(request.remote or "", forwarded, trusted)):
            await self._read_body(request)
            return await handler(request)

    async def _read_body(self, request: web.Request) -> None:
        """Read the body once for all handlers; a multipart body stays a stream for its handler."""
        if (request.content_length or 0) > self.body_limit:
            raise too_large(self.body_limit)
        if not request.can_read_body or request.content_type.startswith("multipart/"):
            return
        try:
            async with asyncio.timeout(self.body_s):
                await request.read()
        except TimeoutError as exc:
            raise BodyTooSlow(
                f"the body did not come within {self.body_s:g} s", fix="send it again, faster"
            ) from exc


async def _refused(request: web.Request, error: PatterError) -> web.StreamResponse:
    """Answer with *error*, or close the WebSocket that was opened already."""
    response = _answer.get()
    if response is None:
        answer = error_response(error)
        # The client may have sent frames after its handshake; they would be read as requests.
        if hdrs.UPGRADE in request.headers:
            answer.force_close()
        return answer
    if isinstance(response, web.WebSocketResponse):
        # A close frame holds 125 bytes, of which the code takes two; half a character is dropped.
        reason = error.message.encode()[:120].decode(errors="ignore")
        await response.close(code=WSCloseCode.POLICY_VIOLATION, message=reason.encode())
    return response
