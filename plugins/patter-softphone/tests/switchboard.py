"""A switchboard on 127.0.0.1 that hands each call to a function of the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from patter.errors import InputError, RateLimitError, WebhookVerificationError
from patter.observe.codec import stamped
from patter.observe.events import CallEvent, Ended, Row, Wire
from patter.providers.carrier import (
    CarrierCall,
    Dtmf,
    Hangup,
    Incoming,
    LineFault,
    MarkPlayed,
    MediaLeg,
    Ticket,
)
from patter.providers.context import CallContext
from patter_softphone import plugin
from patter_softphone.carrier import SoftphoneCarrier
from patter_testing import site

VOICE = bytes(range(0x10, 0x60)) * 20
"""Two hundred milliseconds that are nothing but themselves."""


@attrs.define(eq=False)
class Talk:
    """One call, as the far side of the leg lives it; `emit` reaches the page."""

    call: CallContext
    events: list[Any] = attrs.field(factory=list)
    audio: bytearray = attrs.field(factory=bytearray)
    legs: int = 0
    seq: int = 0
    listeners: Mapping[type | str, Callable[..., object]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.listeners = plugin.patter_call_listeners(self.call) or {}

    def emit(self, event: CallEvent) -> None:
        self.seq += 1
        if listener := self.listeners.get(type(event)):
            listener(stamped(event, self.call.call_id, self.seq, 10 * self.seq))


async def echo(talk: Talk, leg: MediaLeg) -> None:
    """Say back what is heard; remember the rest; tell the page of marks."""
    async for event in leg:
        if isinstance(event, bytes):
            talk.audio += event
            await leg.send(event)
        else:
            talk.events.append(event)
            if isinstance(event, LineFault):
                talk.emit(Wire.fault(event.details))
            elif isinstance(event, MarkPlayed):
                talk.emit(Row(role="agent", text=f"played {event.name}", turn=2))
            elif isinstance(event, Hangup):
                return


_ids = count(1)
Conversation = Callable[[Talk, MediaLeg], Awaitable[None]]


@attrs.define(eq=False)
class SwitchboardSpy:
    """The switchboard. *talks* by call id; *full* refuses every call."""

    conversation: Conversation = echo
    public_host: str = ""
    full: bool = False
    talks: dict[str, Talk] = attrs.field(factory=dict)
    rung: list[Incoming] = attrs.field(factory=list)
    _tokens: dict[str, str] = attrs.field(factory=dict)
    _held: set[str] = attrs.field(factory=set)

    @property
    def talk(self) -> Talk:
        """The only call there is."""
        (talk,) = self.talks.values()
        return talk

    async def register(self, incoming: Incoming) -> Ticket:
        if self.full:
            raise RateLimitError("no more calls are taken", fix="call later")
        self.rung.append(incoming)
        call_id = f"call{next(_ids)}"
        call = CallContext(call_id=call_id, carrier=incoming.carrier, caller=incoming.caller)
        self.talks[call_id] = Talk(call)
        token = f"token-{call_id}"
        self._tokens[token] = call_id
        return Ticket(call_id=call_id, token=token, media_url=f"wss://x/media/softphone/{token}")

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:
        call_id = self._tokens.get(token)
        if call_id is None or call_id in self._held:
            raise WebhookVerificationError("the media token is held or unknown", fix="call again")
        self._held.add(call_id)
        self.talks[call_id].legs += 1
        try:
            await self.conversation(self.talks[call_id], leg)
            self.talks[call_id].emit(Ended(outcome="completed"))
        finally:
            self._held.discard(call_id)

    async def reissue(self, call: CarrierCall) -> Ticket:
        raise InputError(f"{call} is not known here", fix="hang up")

    async def report(self, *_: object) -> None:
        raise AssertionError("a softphone reports nothing")

    async def detected(self, *_: object, **__: object) -> None:
        raise AssertionError("nobody's machine answers a softphone")

    async def transferred(self, *_: object, **__: object) -> None:
        raise AssertionError("a softphone transfers nobody")

    async def recording(self, *_: object) -> None:
        raise AssertionError("a softphone records nothing")


@attrs.define(eq=False)
class Gate:
    """Keeps media sockets waiting for their answer until it is opened."""

    reached: asyncio.Event = attrs.field(factory=asyncio.Event)
    opened: asyncio.Event = attrs.field(factory=asyncio.Event)

    def middleware(self) -> Middleware:
        @web.middleware
        async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.headers.get("Upgrade"):
                self.reached.set()
                await self.opened.wait()
            return await handler(request)

        return hold


@asynccontextmanager
async def serving(
    desk: SwitchboardSpy,
    carrier: SoftphoneCarrier | None = None,
    port: int = 0,
    gate: Gate | None = None,
) -> AsyncIterator[str]:
    """Serve a line of *carrier*, its media behind *gate*; yields the base URL."""
    app = web.Application(middlewares=[gate.middleware()] if gate else ())
    async with (carrier or SoftphoneCarrier()).open(desk) as line:
        app.add_routes(line.routes())
        async with site(app, port=port) as url:
            yield url


def digits(talk: Talk) -> str:
    """What was pressed."""
    return "".join(event.digit for event in talk.events if isinstance(event, Dtmf))
