"""The softphone's webhook and media socket as aiohttp handlers: refuse, translate, pass on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import uuid4

import attrs
import orjson
from aiohttp import web

from patter.carriers.callback_urls import media_path
from patter.carriers.request_charge import payer
from patter.carriers.webhooks import MAX_VARIABLES, raw_body
from patter.errors import (
    InputError,
    PatterError,
    RateLimitError,
    WebhookVerificationError,
)
from patter.limited_log import LimitedLog
from patter.providers.carrier import Incoming, Switchboard
from patter_softphone._about import About
from patter_softphone._callers import Callers
from patter_softphone._calls import SoftphoneCalls
from patter_softphone._origin import is_local, is_ours
from patter_softphone._screen import Screen, screen_of
from patter_softphone._wire import REASONS, Close, printable
from patter_softphone.leg import SoftphoneLeg, Typed, running

log = logging.getLogger("patter.softphone")

NAME = "softphone"
MAX_BODY_BYTES = 16_384
MAX_FRAME_BYTES = 65_536
MAX_NAME_CHARS = 200
MAX_VARIABLE_CHARS = 500
HEARTBEAT_S = 10.0
CLOSE_S = 1.0
MAX_REASON_BYTES = 120


@attrs.frozen(eq=False)
class Webhooks:
    """The handlers of one line.

    *callers* counts the calls of each address, and a caller is shown no *events* of a call, unless
    they are on this machine and nobody else can reach the softphone.
    """

    switchboard: Switchboard
    calls: SoftphoneCalls
    faults: bool
    callers: Callers
    events: bool = False
    typed: Typed | None = None
    about: About | None = None
    refusals: LimitedLog = attrs.field(factory=lambda: LimitedLog(log))

    async def hello(self, _: web.Request) -> web.Response:
        """Say that we are here, whether the line may be made bad, and who would answer."""
        about = self.about.to_json() if self.about else {}
        return _json({"softphone": 1, "faults": self.faults, **about})

    async def call(self, request: web.Request) -> web.Response:
        """Ring, and say where the media goes."""
        try:
            self._admit(request)
            incoming = _incoming(await _body(request))
            with self._counted(request, incoming):
                ticket = await self.switchboard.register(incoming)
        except PatterError as error:
            self.refusals.warning("a softphone call was refused: %s", error)
            return _refusal(error)
        self.calls.add(ticket, incoming.carrier_call_id)
        return _json(
            {
                "call_id": ticket.call_id,
                "media_path": media_path(NAME).format(token=ticket.token),
                "media_url": ticket.media_url,
                "faults": self.faults,
            }
        )

    async def media(self, request: web.Request) -> web.StreamResponse:
        """One media socket, from token to close code."""
        try:
            self._admit(request)
        except PatterError as error:
            return _refusal(error)
        socket = web.WebSocketResponse(
            max_msg_size=MAX_FRAME_BYTES, heartbeat=HEARTBEAT_S, compress=False, timeout=CLOSE_S
        )
        await socket.prepare(request)
        code, reason = Close.GOING_AWAY, "the server is stopping"
        try:
            code, reason = await self._connect(request, socket)
        finally:
            await socket.close(code=code, message=reason.encode()[:MAX_REASON_BYTES])
        return socket

    async def _connect(
        self, request: web.Request, socket: web.WebSocketResponse
    ) -> tuple[Close, str]:
        token = request.match_info["token"]
        ids = self.calls.by_token(token)
        leg = SoftphoneLeg(ids.call_id, socket, self.faults, self.typed)
        screen = screen_of(leg.call_id) if leg.call_id else Screen()
        if not (self.events or self._is_local(request)):
            screen.hide()
        self.callers.attach(ids.carrier_call_id)
        try:
            with self.calls.attach(ids.carrier_call_id, leg):
                return await self._attach(token, leg, screen)
        finally:
            self.callers.detach(ids.carrier_call_id, over=leg.ended)

    async def _attach(self, token: str, leg: SoftphoneLeg, screen: Screen) -> tuple[Close, str]:
        try:
            async with running(leg, screen):
                await self.switchboard.attach(token, leg)
        except PatterError as error:
            log.warning("call %s: no media: %s", leg.call_id or "unknown", error)
            has_code = leg.close_code is not Close.DONE
            return leg.close_code if has_code else _close_code(error), error.message
        return leg.close_code, REASONS.get(leg.close_code, "")

    def _counted(self, request: web.Request, incoming: Incoming) -> AbstractContextManager[None]:
        if self._is_local(request):
            return nullcontext()
        # Of a proxy that the server trusts, whom it saw; not the peer, which is the proxy.
        caller = payer() or request.remote
        return self.callers.ring(caller, incoming.carrier_call_id)

    def _is_local(self, request: web.Request) -> bool:
        peer, public = request.remote or "", self.switchboard.public_host
        return is_local(peer, request.host, request.headers, public)

    def _admit(self, request: web.Request) -> None:
        origin, host = request.headers.get("Origin"), request.host
        if not is_ours(origin, host, self.switchboard.public_host):
            raise WebhookVerificationError(
                f"a page of {origin or 'unknown origin'} may not call through {host}",
                fix="open the softphone's own page under http://127.0.0.1, or the public host",
            )


def _close_code(error: PatterError) -> Close:
    if isinstance(error, WebhookVerificationError):
        return Close.TOKEN_REFUSED
    return Close.TOO_MANY if isinstance(error, RateLimitError) else Close.FAILED


async def _body(request: web.Request) -> dict[str, Any]:
    """The JSON object in a request; its size is checked before it is read."""
    if request.content_type != "application/json":
        raise InputError("the request is not JSON", fix="send Content-Type: application/json")
    try:
        return _object(await raw_body(request, MAX_BODY_BYTES))
    except web.HTTPRequestEntityTooLarge as error:
        raise InputError(f"the request is over {MAX_BODY_BYTES} bytes", fix="send less") from error


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw or b"{}")
    except ValueError as error:
        raise InputError(f"the request is not JSON: {error}", fix="send a JSON object") from error
    if not isinstance(body, dict):
        raise InputError("the request is not a JSON object", fix='send {"caller": ...}')
    return body


def _incoming(body: Mapping[str, Any]) -> Incoming:
    return Incoming(
        carrier=NAME,
        carrier_call_id=_name(body, "id") or uuid4().hex,
        caller=_name(body, "caller") or "softphone",
        callee=_name(body, "callee"),
        variables=_variables(body.get("variables", {})),
    )


def _name(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARS:
        raise InputError(
            f"{key!r} is not text of up to {MAX_NAME_CHARS} characters",
            fix=f"send {key!r} as a short string, or leave it out",
        )
    return printable(value).strip()


def _variables(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict) or len(raw) > MAX_VARIABLES:
        raise InputError(
            "'variables' is not an object of up to 50 entries",
            fix='send {"variables": {"name": "Ada"}}',
        )
    for name, value in raw.items():
        if not isinstance(value, str) or len(value) > MAX_VARIABLE_CHARS:
            raise InputError(
                f"variable {printable(name)[:40]!r} is not text of up to 500 characters",
                fix="send variables as short strings",
            )
    return {printable(name)[:MAX_NAME_CHARS]: printable(value) for name, value in raw.items()}


def _json(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _refusal(error: PatterError) -> web.Response:
    body = {"code": error.code.value, "message": error.message, "fix": error.fix}
    status = {"WEBHOOK_VERIFICATION": 403, "INPUT_VALIDATION": 400, "RATE_LIMIT": 429}
    return _json({"error": body}, status.get(error.code.value, 503))
