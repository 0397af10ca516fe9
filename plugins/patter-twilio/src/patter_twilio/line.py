"""A Twilio account while a server runs: places, ends, transfers and records calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.provisioning import not_on_account, setting_webhook
from patter.errors import ProvisionError
from patter.providers.carrier import (
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    NumberSettings,
    Switchboard,
    TransferRequest,
)
from patter_twilio import _xml
from patter_twilio._form import CARRIER, call_sid
from patter_twilio._rest import TwilioApi, connected
from patter_twilio._transfers import Transfers
from patter_twilio._webhooks import Webhooks

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

PROGRESS = ["initiated", "ringing", "answered", "completed"]
RING_MAX_S = 600
PAUSE_S = 3.0
"""A recording is paused, or not: the caller waits for it."""


@asynccontextmanager
async def opened(settings: Twilio, switchboard: Switchboard) -> AsyncIterator[TwilioLine]:
    """The line of *settings*; its connection to Twilio is closed on leaving."""
    async with connected(settings) as api:
        urls = CallbackUrls(switchboard, CARRIER, "Twilio")
        transfers = Transfers(
            api=api,
            switchboard=switchboard,
            urls=urls,
            account=settings.account,
            voice=settings.voice,
            language=settings.language,
        )
        yield TwilioLine(settings, switchboard, api, urls, transfers)


@attrs.define(eq=False)
class TwilioLine:
    """Calls of one account, named by their CallSid. Made by `Twilio.open`."""

    settings: Twilio
    switchboard: Switchboard
    api: TwilioApi
    urls: CallbackUrls
    transfers: Transfers

    @property
    def name(self) -> str:
        """The carrier's name."""
        return self.settings.name

    @property
    def account(self) -> str:
        """The AccountSid."""
        return self.settings.account

    @property
    def can(self) -> CarrierCapabilities:
        """What Twilio can do."""
        return self.settings.can

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhooks and the media socket."""
        return Webhooks(
            settings=self.settings,
            switchboard=self.switchboard,
            urls=self.urls,
            transfers=self.transfers,
        ).routes()

    async def dial(self, request: DialRequest) -> str:
        """Place a call; its CallSid."""
        urls = self.urls
        connect = _xml.connect(request.ticket.media_url, urls.unique("again"))
        detection: dict[str, Any] = {
            "machine_detection": "DetectMessageEnd",
            "async_amd": "true",
            "async_amd_status_callback": urls.webhook("amd"),
            "async_amd_status_callback_method": "POST",
        }
        return await self.api.dial(
            to=request.to,
            from_=request.from_number,
            twiml=connect,
            timeout=min(request.ring_timeout_s, RING_MAX_S),
            status_callback=urls.webhook("status"),
            status_callback_event=PROGRESS,
            status_callback_method="POST",
            **(detection if request.machine_detection else {}),
        )

    async def hangup(self, carrier_call_id: str) -> None:
        """End the call, whether it rings or is answered; one that is over is no error."""
        await self.transfers.end(call_sid(carrier_call_id))

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        """Begin a transfer; how it ended is reported to the switchboard."""
        await self.transfers.begin(call_sid(carrier_call_id), request)

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:  # noqa: ARG002
        """Raise ProvisionError: Twilio has no message for keys that leaves a stream alone."""
        raise ProvisionError(
            "Twilio cannot send DTMF in a call that streams",
            fix="send them as tones: can.dtmf_out is False",
        )

    async def start_recording(self, carrier_call_id: str) -> None:
        """Record both sides of the call, each on a channel of its own."""
        await self.api.record(
            call_sid(carrier_call_id),
            recording_channels="dual",
            recording_status_callback=self.urls.webhook("recording"),
            recording_status_callback_event=["completed"],
            recording_status_callback_method="POST",
        )

    async def pause_recording(self, carrier_call_id: str) -> None:
        """Have the recording go on with silence."""
        await self.api.change_recording(
            call_sid(carrier_call_id), PAUSE_S, status="paused", pause_behavior="silence"
        )

    async def resume_recording(self, carrier_call_id: str) -> None:
        """Have the same recording hear the call again."""
        await self.api.change_recording(call_sid(carrier_call_id), PAUSE_S, status="in-progress")

    async def price(self, carrier_call_id: str) -> float | None:
        """What Twilio charged, once it knows: minutes after the end, often."""
        call = await self.api.call(call_sid(carrier_call_id))
        if call.price is None or str(call.price_unit).upper() != "USD":
            return None
        return abs(float(call.price))

    async def configure(self, number: str) -> None:
        """Send calls of *number*, and how they end, to us; nothing changes if it is so."""
        voice, status = self.urls.webhook("voice"), self.urls.webhook("status")
        with setting_webhook(number, by_hand=f"set it by hand to {voice}"):
            resource = await self._number(number)
            _check_not_overridden(number, resource, voice)
            wanted = {
                "voice_url": voice,
                "voice_method": "POST",
                "status_callback": status,
                "status_callback_method": "POST",
            }
            if any(getattr(resource, name) != value for name, value in wanted.items()):
                await self.api.set_number(resource.sid, **wanted)

    async def look_up(self, number: str) -> NumberSettings:
        """Read what becomes of calls to *number*."""
        resource = await self._number(number)
        voice = (resource.capabilities or {}).get("voice", True)
        webhook = _overriding(resource) or resource.voice_url or ""
        return NumberSettings(number=number, voice=bool(voice), webhook=webhook)

    async def _number(self, number: str) -> Any:
        if (resource := await self.api.number(number)) is None:
            raise not_on_account("Twilio", number)
        return resource


def _overriding(number: Any) -> str:
    """The trunk or application that takes a number's calls instead of its webhook."""
    if number.trunk_sid:
        return f"trunk {number.trunk_sid}"
    return f"application {number.voice_application_sid}" if number.voice_application_sid else ""


def _check_not_overridden(number: str, resource: Any, voice: str) -> None:
    if other := _overriding(resource):
        raise ProvisionError(
            f"calls to {number} go to {other}, whatever its webhook is",
            fix=f"detach it from the number at Twilio, or set its voice URL by hand to {voice}",
        )


if TYPE_CHECKING:
    _: type[CarrierLine] = TwilioLine
