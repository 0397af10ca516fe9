"""A carrier without a telephone company: web pages and programs call over a WebSocket.

It brings calls in and nothing else: it dials nobody, transfers to nobody and costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, NoReturn

import attrs
from aiohttp import web

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.callback_urls import media_path, webhook_path
from patter.errors import ProvisionError
from patter.providers.carrier import (
    Carrier,
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    NumberSettings,
    Switchboard,
    TransferRequest,
)
from patter_softphone._about import About
from patter_softphone._callers import Callers
from patter_softphone._calls import SoftphoneCalls
from patter_softphone._page import page_routes
from patter_softphone._webhooks import NAME, Webhooks
from patter_softphone.leg import Typed

CAN = CarrierCapabilities(
    marks=True, dtmf_in=True, reconnect=True, price=True, lead_ms=300, latency_ms=60
)


@attrs.frozen(kw_only=True)
class SoftphoneCarrier:
    """Calls from a page or a program. With *faults*, the caller may make the line bad.

    With *page*, the phone's page is served at ``/``; without, only the protocol is. Where others
    than this machine can reach it, an address has *calls_per_address* calls at a time, and its
    pages are shown words, tools and errors of a call only with *events*. What the caller types
    goes to *typed* in place of the call, if that is given: a simulated recogniser hears it. *about*
    is what the page tells of the agent.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    faults: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    page: bool = attrs.field(default=True, converter=attrs.converters.to_bool)
    calls_per_address: int = attrs.field(
        default=10, converter=int, validator=attrs.validators.ge(1)
    )
    events: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    typed: Typed | None = attrs.field(default=None, repr=False)
    about: About | None = attrs.field(default=None, repr=False)
    name: str = attrs.field(default=NAME, init=False)
    account: str = attrs.field(default="", init=False, repr=False)
    formats: tuple[AudioFormat, ...] = attrs.field(default=(MULAW_8K,), init=False)
    can: CarrierCapabilities = attrs.field(default=CAN, init=False, repr=False)

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[SoftphoneLine]:
        """A line with its own calls; there is nobody to connect to."""
        yield SoftphoneLine(
            switchboard,
            faults=self.faults,
            page=self.page,
            events=self.events,
            typed=self.typed,
            about=self.about,
            callers=Callers(self.calls_per_address),
        )


@attrs.frozen(eq=False)
class SoftphoneLine:
    """What softphones call while a server runs."""

    switchboard: Switchboard
    faults: bool = attrs.field(default=False, kw_only=True)
    page: bool = attrs.field(default=True, kw_only=True)
    events: bool = attrs.field(default=False, kw_only=True)
    typed: Typed | None = attrs.field(default=None, kw_only=True)
    about: About | None = attrs.field(default=None, kw_only=True)
    callers: Callers = attrs.field(kw_only=True)
    name: str = attrs.field(default=NAME, init=False)
    account: str = attrs.field(default="", init=False)
    can: CarrierCapabilities = attrs.field(default=CAN, init=False)
    _calls: SoftphoneCalls = attrs.field(factory=SoftphoneCalls, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhook, the media socket and, if wanted, the page."""
        webhooks = Webhooks(
            self.switchboard,
            self._calls,
            self.faults,
            self.callers,
            self.events,
            self.typed,
            self.about,
        )
        routes = [
            web.get(webhook_path(NAME, "hello"), webhooks.hello),
            web.post(webhook_path(NAME, "call"), webhooks.call),
            web.get(media_path(NAME), webhooks.media),
        ]
        return [*routes, *page_routes()] if self.page else routes

    async def hangup(self, carrier_call_id: str) -> None:
        """End the media of a call; one that is over already is no error."""
        if leg := self._calls.leg(carrier_call_id):
            await leg.close()

    async def price(self, carrier_call_id: str) -> float | None:  # noqa: ARG002
        """Nothing: the caller brings the line."""
        return 0.0

    async def configure(self, number: str) -> None:
        """There is no number to point anywhere; a softphone is simply opened."""

    async def look_up(self, number: str) -> NumberSettings:
        _cannot(f"be reached at {number}", "open the softphone's page and call the agent")

    async def dial(self, request: DialRequest) -> str:  # noqa: ARG002
        _cannot("place a call", "open the softphone's page and call the agent")

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:  # noqa: ARG002
        _cannot("transfer a call", "use a carrier with numbers, for example twilio")

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:  # noqa: ARG002
        _cannot("send digits", "use a carrier that sends digits, for example telnyx")

    async def start_recording(self, carrier_call_id: str) -> None:  # noqa: ARG002
        _cannot("record a call", "record it here: serve with recording=True")


def _cannot(deed: str, fix: str) -> NoReturn:
    raise ProvisionError(f"a softphone cannot {deed}", fix=fix)


if TYPE_CHECKING:
    _: type[Carrier] = SoftphoneCarrier
    __: type[CarrierLine] = SoftphoneLine
