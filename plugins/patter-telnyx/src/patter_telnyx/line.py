"""A Telnyx application while a server runs: places, ends, transfers and records calls."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.provisioning import not_on_account, setting_webhook
from patter.errors import PatterError, ProvisionError
from patter.providers.carrier import (
    Advice,
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    NumberSettings,
    Switchboard,
    TransferRequest,
)
from patter_telnyx._cost_events import SETTING, CostEvents, costs_are_on
from patter_telnyx._event import CARRIER, VOICE
from patter_telnyx._public_key import read_public_key
from patter_telnyx._rest import TelnyxApi, connected
from patter_telnyx._signature import Signature
from patter_telnyx._state import ClientState
from patter_telnyx._stream_options import StreamOptions
from patter_telnyx._streams import Streams
from patter_telnyx._transfers import Transfers, ring_s
from patter_telnyx._webhooks import Webhooks, no_public_key

PAUSE_S = 3.0
"""A recording is paused, or not: the caller waits for it."""

if TYPE_CHECKING:
    from patter_telnyx.carrier import Telnyx

log = logging.getLogger("patter.telnyx")
NO_COSTS = Advice(
    "Telnyx does not tell what calls cost: they are counted at the list price",
    f"patter serve sets {SETTING} of the application, or set it at portal.telnyx.com",
)
MUTE = frozenset({"purchase-failed", "port-failed", "emergency-only", "ported-out", "deleted"})
"""The statuses in ``/phone_numbers`` of numbers on which nobody can call us."""


@asynccontextmanager
async def opened(settings: Telnyx, switchboard: Switchboard) -> AsyncIterator[TelnyxLine]:
    """The line of *settings*; its connections to Telnyx are closed on leaving."""
    if not settings.public_key:
        log.warning("every webhook will be refused: %s", no_public_key())
    async with connected(settings) as api:
        yield TelnyxLine(settings, switchboard, api)


@attrs.define(eq=False)
class TelnyxLine:
    """Calls of one application, named by their call_control_id. Made by `Telnyx.open`."""

    settings: Telnyx
    switchboard: Switchboard
    api: TelnyxApi
    urls: CallbackUrls = attrs.field(init=False)
    options: StreamOptions = attrs.field(init=False)
    streams: Streams = attrs.field(init=False)
    transfers: Transfers = attrs.field(init=False)
    costs: CostEvents = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        own, board, account = self.settings, self.switchboard, self.account
        self.urls = CallbackUrls(board, CARRIER, "Telnyx")
        self.options = StreamOptions(own.codec)
        self.costs = CostEvents(api=self.api, connection_id=account)
        self.streams = Streams(
            api=self.api,
            switchboard=board,
            account=account,
            options=self.options,
            audio=own.formats[0],
            big_endian=own.l16_big_endian,
        )
        self.transfers = Transfers(
            api=self.api,
            switchboard=board,
            account=account,
            urls=self.urls,
            streams=self.streams,
            voice=own.voice,
            language=own.language,
        )

    @property
    def name(self) -> str:
        """The carrier's name."""
        return self.settings.name

    @property
    def account(self) -> str:
        """The connection_id."""
        return self.settings.account

    @property
    def can(self) -> CarrierCapabilities:
        """What Telnyx can do."""
        return self.settings.can

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhook and the media socket."""
        key = self.settings.public_key
        return Webhooks(
            account=self.account,
            signature=Signature(read_public_key(key)) if key else None,
            switchboard=self.switchboard,
            api=self.api,
            options=self.options,
            streams=self.streams,
            transfers=self.transfers,
            costs=self.costs,
        ).routes()

    async def dial(self, request: DialRequest) -> str:
        """Place a call; its call_control_id."""
        options: dict[str, Any] = {
            "connection_id": self.account,
            "to": request.to,
            "from": request.from_number,
            "timeout_secs": ring_s(request.ring_timeout_s),
            "webhook_url": self.urls.webhook(VOICE),
            **self.options.to(request.ticket.media_url),
        }
        if request.machine_detection:
            options["answering_machine_detection"] = self.settings.machine_detection
        return await self.api.dial(request.call_id, **options)

    async def hangup(self, carrier_call_id: str) -> None:
        """End the call, whether it rings or is answered; one that is over is no error."""
        await self.api.hangup(carrier_call_id)

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        """Begin a transfer; how it ended is reported to the switchboard."""
        await self.transfers.begin(carrier_call_id, request)

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        """Press *digits*; ``w`` waits half a second."""
        await self.api.command(carrier_call_id, "send_dtmf", {"digits": digits})

    async def start_recording(self, carrier_call_id: str) -> None:
        """Record both sides of the call, each on a channel of its own, until it ends."""
        await self.api.command(
            carrier_call_id,
            "record_start",
            {
                "format": "mp3",
                "channels": "dual",
                "client_state": str(ClientState(call=carrier_call_id)),
            },
        )

    async def pause_recording(self, carrier_call_id: str) -> None:
        """Record nothing until `resume_recording`."""
        await self.api.command(carrier_call_id, "record_pause", within_s=PAUSE_S)

    async def resume_recording(self, carrier_call_id: str) -> None:
        """Have the same recording hear the call again."""
        await self.api.command(carrier_call_id, "record_resume", within_s=PAUSE_S)

    async def price(self, carrier_call_id: str) -> float | None:
        """What Telnyx charged; an event tells it soon after the end, if the application does."""
        return await self.costs.wait(carrier_call_id)

    async def configure(self, number: str) -> None:
        """Send calls of *number* to our application, and its webhooks to us; twice is once."""
        voice = self.urls.webhook(VOICE)
        by_hand = (
            f"set it by hand to {voice} in the application {self.account}, "
            "and point the number to that"
        )
        with setting_webhook(number, by_hand=by_hand):
            resource = await self._number(number)
            await self._point_application(voice)
            if str(resource.get("connection_id") or "") != self.account:
                await self.api.set_number(str(resource["id"]), connection_id=self.account)

    async def look_up(self, number: str) -> NumberSettings:
        """Read what becomes of calls to *number*; one that nothing answers yet takes calls, too."""
        resource = await self._number(number)
        connection = str(resource.get("connection_id") or "")
        application = await self.api.application(connection) if connection else None
        webhook = str((application or {}).get("webhook_event_url") or "")
        voice = resource.get("status") not in MUTE
        silent = application is not None and not costs_are_on(application)
        advice = (NO_COSTS,) if silent else ()
        return NumberSettings(number=number, voice=voice, webhook=webhook, advice=advice)

    async def _point_application(self, voice: str) -> None:
        application = await self.api.application(self.account)
        if application is None:
            raise ProvisionError(
                f"there is no Voice API application {self.account} on this Telnyx account",
                fix="create one at portal.telnyx.com, export its id as TELNYX_CONNECTION_ID",
            )
        name = str(application.get("application_name") or "patter")
        wanted = {"webhook_event_url": voice, "webhook_api_version": "2"}
        changes: dict[str, object] = {"application_name": name, **wanted, SETTING: True}
        if any(application.get(field) != value for field, value in wanted.items()):
            await self.api.set_application(self.account, **changes)
            self.costs.coming = True
        elif costs_are_on(application):
            self.costs.coming = True
        else:
            await self._turn_costs_on(changes)

    async def _turn_costs_on(self, changes: dict[str, object]) -> None:
        """Calls are taken without, so that Telnyx refuses it is no reason not to serve."""
        try:
            await self.api.set_application(self.account, **changes)
            self.costs.coming = True
        except PatterError as error:
            log.warning("calls are counted at the list price: %s", error.message)
            self.costs.coming = False

    async def _number(self, number: str) -> dict[str, Any]:
        if (resource := await self.api.number(number)) is None:
            raise not_on_account("Telnyx", number)
        return resource


if TYPE_CHECKING:
    _: type[CarrierLine] = TelnyxLine
