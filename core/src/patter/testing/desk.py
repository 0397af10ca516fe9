"""A switchboard of one's own: takes the calls a carrier brings and hands the test their legs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from patter.aio import Mailbox
from patter.errors import RateLimitError, WebhookVerificationError
from patter.providers.carrier import (
    CallOutcome,
    Carrier,
    Incoming,
    MediaLeg,
    Switchboard,
    Ticket,
)


@attrs.frozen
class Report:
    """What a carrier said of a call."""

    carrier_call_id: str
    status: str
    outcome: CallOutcome | None


@attrs.define(eq=False)
class Attached:
    """A leg at work for *call_id*; its socket is kept until `done`."""

    call_id: str
    leg: MediaLeg
    _done: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def done(self) -> None:
        """The call has no more use for this leg."""
        self._done.set()

    async def _until_done(self) -> None:
        await self._done.wait()


@attrs.define(eq=False)
class FakeSwitchboard:
    """Issues tickets, checks tokens as core does: known, and held by one socket at a time.

    *full* refuses every call. *rung*, *reports*, *machines* and *recordings* keep what the
    carrier said.
    """

    public_host: str = "127.0.0.1"
    full: bool = False
    rung: list[Incoming] = attrs.field(factory=list, init=False)
    reports: list[Report] = attrs.field(factory=list, init=False)
    machines: list[tuple[str, bool]] = attrs.field(factory=list, init=False)
    recordings: list[tuple[str, str]] = attrs.field(factory=list, init=False)
    refusals: int = attrs.field(default=0, init=False)
    _calls: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)
    _held: set[str] = attrs.field(factory=set, init=False, repr=False)
    _legs: Mailbox[Attached] = attrs.field(factory=lambda: Mailbox(100), init=False)

    async def ring(self, incoming: Incoming) -> Ticket:
        if self.full:
            raise RateLimitError("no more calls are taken", fix="call later")
        self.rung.append(incoming)
        return self.issue(incoming.carrier)

    def issue(self, carrier: str) -> Ticket:
        """A ticket for a call of *carrier*, as `ring` gives one."""
        call_id, token = f"call-{len(self._calls) + 1}", secrets.token_urlsafe(24)
        self._calls[token] = call_id
        url = f"wss://{self.public_host}/media/{carrier}/{token}"
        return Ticket(call_id=call_id, token=token, media_url=url)

    async def attach(self, token: str, leg: MediaLeg) -> None:
        call_id = self._calls.get(token)
        if call_id is None or token in self._held:
            self.refusals += 1
            raise WebhookVerificationError(
                "the media token is unknown or held", fix="open the socket the webhook named"
            )
        self._held.add(token)
        attached = Attached(call_id, leg)
        self._legs.put(attached)
        try:
            await attached._until_done()
        finally:
            self._held.discard(token)

    async def next_leg(self) -> Attached:
        """The next leg that was attached, waiting for one."""
        return await anext(self._legs)

    async def report(
        self,
        carrier: str,  # noqa: ARG002
        carrier_call_id: str,
        status: str,
        outcome: CallOutcome | None,
    ) -> None:
        self.reports.append(Report(carrier_call_id, status, outcome))

    async def machine(self, carrier: str, carrier_call_id: str, *, beep: bool) -> None:  # noqa: ARG002
        self.machines.append((carrier_call_id, beep))

    async def recording(self, carrier: str, carrier_call_id: str, url: str) -> None:  # noqa: ARG002
        self.recordings.append((carrier_call_id, url))


@asynccontextmanager
async def serving(carrier: Carrier, desk: Switchboard, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the routes of *carrier* on 127.0.0.1; yields the base URL, ``http://...``."""
    app = web.Application()
    app.add_routes(carrier.routes(desk))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


if TYPE_CHECKING:
    _: type[Switchboard] = FakeSwitchboard
