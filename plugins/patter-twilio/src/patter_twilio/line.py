"""An account with Twilio while a server runs: it places, ends, hands over and records calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.errors import AuthenticationError, PatterError, ProvisionError
from patter.providers.carrier import (
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    NumberSettings,
    Switchboard,
    TransferRequest,
)
from patter_twilio import _xml
from patter_twilio._addresses import Addresses
from patter_twilio._form import call_sid
from patter_twilio._rest import TwilioApi, connected
from patter_twilio._transfers import Transfers
from patter_twilio._webhooks import Webhooks

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

PROGRESS = ["initiated", "ringing", "answered", "completed"]
RING_MAX_S = 600


@asynccontextmanager
async def opened(settings: Twilio, switchboard: Switchboard) -> AsyncIterator[TwilioLine]:
    """The line of *settings*; its connection to Twilio is closed on leaving."""
    async with connected(settings) as api:
        transfers = Transfers(
            api=api,
            switchboard=switchboard,
            account=settings.account,
            voice=settings.voice,
            language=settings.language,
        )
        yield TwilioLine(settings, switchboard, api, transfers)


@attrs.define(eq=False)
class TwilioLine:
    """Calls of one account, named by their CallSid. Made by `Twilio.open`."""

    settings: Twilio
    switchboard: Switchboard
    api: TwilioApi
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
        return Webhooks.of(self.settings, self.switchboard, self.transfers).routes()

    async def dial(self, request: DialRequest) -> str:
        """Place a call; its CallSid."""
        to = self._to
        connect = _xml.connect(request.ticket.media_url, to.once("again"))
        detection: dict[str, Any] = {
            "machine_detection": "DetectMessageEnd",
            "async_amd": "true",
            "async_amd_status_callback": to.fixed("amd"),
            "async_amd_status_callback_method": "POST",
        }
        return await self.api.dial(
            to=request.to,
            from_=request.from_number,
            twiml=connect,
            timeout=min(request.ring_timeout_s, RING_MAX_S),
            status_callback=to.fixed("status"),
            status_callback_event=PROGRESS,
            status_callback_method="POST",
            **(detection if request.machine_detection else {}),
        )

    async def hangup(self, carrier_call_id: str) -> None:
        """End the call, whether it rings or is answered; one that is over is no error."""
        await self.transfers.end(call_sid(carrier_call_id))

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        """Begin to hand the caller over; how it ended is reported to the switchboard."""
        await self.transfers.begin(call_sid(carrier_call_id), request)

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:  # noqa: ARG002
        """Raise ProvisionError: Twilio has no message for keys that leaves a stream alone."""
        raise ProvisionError(
            "Twilio cannot press keys in a call that streams",
            fix="send them as tones: can.dtmf_out is False",
        )

    async def start_recording(self, carrier_call_id: str) -> None:
        """Record both sides of the call, each on a channel of its own."""
        await self.api.record(
            call_sid(carrier_call_id),
            recording_channels="dual",
            recording_status_callback=self._to.fixed("recording"),
            recording_status_callback_event=["completed"],
            recording_status_callback_method="POST",
        )

    async def price(self, carrier_call_id: str) -> float | None:
        """What Twilio charged, once it knows: minutes after the end, often."""
        call = await self.api.call(call_sid(carrier_call_id))
        if call.price is None or str(call.price_unit).upper() != "USD":
            return None
        return abs(float(call.price))

    async def configure(self, number: str) -> None:
        """Send calls of *number*, and how they end, to us; nothing changes if it is so."""
        voice, status = self._to.fixed("voice"), self._to.fixed("status")
        try:
            found = await self._owned(number)
            _check_not_overridden(number, found, voice)
            wanted = {
                "voice_url": voice,
                "voice_method": "POST",
                "status_callback": status,
                "status_callback_method": "POST",
            }
            if any(getattr(found, name) != value for name, value in wanted.items()):
                await self.api.set_number(found.sid, **wanted)
        except (AuthenticationError, ProvisionError):
            raise
        except PatterError as error:
            raise ProvisionError(
                f"could not set the webhook of {number}: {error.message}",
                fix=f"set it by hand to {voice}",
            ) from error

    async def look_up(self, number: str) -> NumberSettings:
        """Read what becomes of calls to *number*."""
        found = await self._owned(number)
        voice = (found.capabilities or {}).get("voice", True)
        webhook = _overriding(found) or found.voice_url or ""
        return NumberSettings(number=number, voice=bool(voice), webhook=webhook)

    @property
    def _to(self) -> Addresses:
        return Addresses(self.switchboard)

    async def _owned(self, number: str) -> Any:
        if (found := await self.api.number(number)) is None:
            raise ProvisionError(
                f"{number} is not on this Twilio account",
                fix="buy it there, or pass a number you own",
            )
        return found


def _overriding(number: Any) -> str:
    """What decides over a number's calls instead of its webhook."""
    if number.trunk_sid:
        return f"trunk {number.trunk_sid}"
    return f"application {number.voice_application_sid}" if number.voice_application_sid else ""


def _check_not_overridden(number: str, found: Any, voice: str) -> None:
    if other := _overriding(found):
        raise ProvisionError(
            f"calls to {number} go to {other}, whatever its webhook is",
            fix=f"detach it from the number at Twilio, or set its voice URL by hand to {voice}",
        )


if TYPE_CHECKING:
    _: type[CarrierLine] = TwilioLine
