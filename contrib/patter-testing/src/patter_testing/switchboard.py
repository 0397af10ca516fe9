"""A switchboard of one's own: takes the calls a carrier brings and hands the test their legs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter.aio import Mailbox
from patter.errors import InputError, PatterError, RateLimitError, WebhookVerificationError
from patter.providers.carrier import (
    Answerer,
    CallOutcome,
    Carrier,
    CarrierCall,
    CarrierLine,
    Incoming,
    LegEvent,
    MediaLeg,
    Switchboard,
    Ticket,
)
from patter.server.replies import error_response
from patter_testing.doubles.voice import is_silence
from patter_testing.loopback_site import site


@attrs.frozen
class Report:
    """What a carrier said of a call."""

    call: CarrierCall
    status: str
    outcome: CallOutcome | None


@attrs.frozen
class Detection:
    """Who took a call, as a carrier said."""

    call: CarrierCall
    answerer: Answerer
    beep: bool = False
    raw: str = ""


@attrs.frozen
class TransferReport:
    """How a transfer ended, as a carrier said."""

    call: CarrierCall
    taken: bool
    status: str = ""


@attrs.frozen
class RecordingReport:
    """Where a carrier keeps its recording of a call."""

    call: CarrierCall
    url: str


@attrs.define(eq=False)
class Attached:
    """A leg at work for *call_id*; its socket is kept until `done`."""

    call_id: str
    leg: MediaLeg
    _done: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def done(self) -> None:
        """The call has no more use for this leg."""
        self._done.set()

    async def events(self) -> AsyncIterator[LegEvent]:
        """What the leg delivers, frames of nothing but silence left out."""
        async for event in self.leg:
            if not (isinstance(event, bytes) and is_silence(event, self.leg.audio)):
                yield event

    async def _until_done(self) -> None:
        await self._done.wait()


@attrs.define(eq=False)
class FakeSwitchboard:
    """Issues tickets, checks tokens as core does: known, and held by one socket at a time.

    *full* refuses every call, *over* names calls that are. *rung*, *reports*, *detections*,
    *transfers* and *recordings* keep what the carrier said.
    """

    public_host: str = "127.0.0.1"
    full: bool = False
    over: set[CarrierCall] = attrs.field(factory=set)
    rung: list[Incoming] = attrs.field(factory=list, init=False)
    reports: list[Report] = attrs.field(factory=list, init=False)
    detections: list[Detection] = attrs.field(factory=list, init=False)
    transfers: list[TransferReport] = attrs.field(factory=list, init=False)
    recordings: list[RecordingReport] = attrs.field(factory=list, init=False)
    refusals: int = attrs.field(default=0, init=False)
    _call_ids: dict[CarrierCall, str] = attrs.field(factory=dict, init=False, repr=False)
    _issued: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)
    _held: set[str] = attrs.field(factory=set, init=False, repr=False)
    _legs: Mailbox[Attached] = attrs.field(factory=lambda: Mailbox(100), init=False)

    async def register(self, incoming: Incoming) -> Ticket:
        call = CarrierCall(incoming.carrier, incoming.carrier_call_id, incoming.account)
        self._check_not_over(call)
        if self.full and call not in self._call_ids:
            raise RateLimitError("no more calls are taken", fix="call later")
        self.rung.append(incoming)
        ticket = self.issue(incoming.carrier, self._call_ids.get(call, ""))
        self.knows(call, ticket)
        return ticket

    async def reissue(self, call: CarrierCall) -> Ticket:
        self._check_not_over(call)
        if call not in self._call_ids:
            raise InputError(f"{call} is not known here", fix="hang up")
        return self.issue(call.carrier, self._call_ids[call])

    def issue(self, carrier: str, call_id: str = "") -> Ticket:
        """A ticket for *call_id* or a new call of *carrier*: what a dial is given."""
        call_id = call_id or f"call-{len(set(self._issued.values())) + 1}"
        token = secrets.token_urlsafe(24)
        self._issued[token] = call_id
        url = f"wss://{self.public_host}/media/{carrier}/{token}"
        return Ticket(call_id=call_id, token=token, media_url=url)

    def knows(self, call: CarrierCall, ticket: Ticket) -> None:
        """*call* is the one of *ticket*, as after a dial."""
        self._call_ids[call] = ticket.call_id

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:  # noqa: ARG002
        call_id = self._issued.get(token)
        if call_id is None or call_id in self._held:
            self.refusals += 1
            raise WebhookVerificationError(
                "the media token is unknown or held", fix="open the socket the webhook named"
            )
        self._held.add(call_id)
        attached = Attached(call_id, leg)
        self._legs.put(attached)
        try:
            await attached._until_done()
        finally:
            self._held.discard(call_id)

    @property
    def held(self) -> int:
        """How many tokens a socket holds now."""
        return len(self._held)

    async def next_leg(self) -> Attached:
        """The next leg that was attached, waiting for one."""
        return await anext(self._legs)

    async def report(self, call: CarrierCall, status: str, outcome: CallOutcome | None) -> None:
        self.reports.append(Report(call, status, outcome))

    async def detected(
        self, call: CarrierCall, answerer: Answerer, *, beep: bool = False, raw: str = ""
    ) -> None:
        self.detections.append(Detection(call, answerer, beep, raw))

    async def transferred(self, call: CarrierCall, *, taken: bool, status: str = "") -> None:
        self.transfers.append(TransferReport(call, taken, status))

    async def recording(self, call: CarrierCall, url: str) -> None:
        self.recordings.append(RecordingReport(call, url))

    def _check_not_over(self, call: CarrierCall) -> None:
        if call in self.over:
            raise InputError(f"{call} is over", fix="hang up")


@web.middleware
async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except PatterError as error:
        return error_response(error)


@asynccontextmanager
async def serving(
    carrier: Carrier, switchboard: Switchboard, *, port: int = 0
) -> AsyncIterator[str]:
    """Open *carrier* and serve its line on 127.0.0.1; yields the base URL, ``http://...``."""
    async with carrier.open(switchboard) as line, serving_line(line, port=port) as url:
        yield url


@asynccontextmanager
async def serving_line(line: CarrierLine, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the routes of *line* on 127.0.0.1; yields the base URL, ``http://...``.

    What a handler raises as a PatterError is answered as Patter's own server does.
    """
    app = web.Application(middlewares=[_answered])
    app.add_routes(line.routes())
    async with site(app, port=port) as url:
        yield url


if TYPE_CHECKING:
    _: type[Switchboard] = FakeSwitchboard
