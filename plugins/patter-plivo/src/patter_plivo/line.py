"""A Plivo account while a server runs: places, ends, transfers and records calls."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs
from aiohttp import ClientSession, ClientTimeout, web

from patter.aio import task_scope
from patter.carriers.call_prices import CallPrices
from patter.carriers.callback_urls import CallbackUrls, media_path, webhook_path
from patter.carriers.vendor_api import basic_authorization
from patter.carriers.verified_webhook import FormWebhooks, SignedForm
from patter.clock import Clock, LoopClock
from patter.errors import InputError, ProviderError
from patter.providers.carrier import (
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    NumberSettings,
    Switchboard,
    TransferRequest,
)
from patter.providers.transfer_target import is_target
from patter_plivo._form import CARRIER, Form, amount
from patter_plivo._rest import PlivoApi
from patter_plivo._setup import Setup
from patter_plivo._signature import Signature
from patter_plivo._streams import Streams
from patter_plivo._transfers import Transfers
from patter_plivo._webhooks import Webhooks
from patter_plivo.carrier import CAN, Plivo

PRICE_S = 1.0
"""How long the hang-up's webhook may take: a call waits 2 s for its price in all."""
RECORDING_S = 14_400
DETECTION_MS = 5_000
PAUSE_MS = {"w": 500, "W": 1_000}
_KEYS = re.compile(r"[0-9*#A-DwW]{1,100}\Z")
_RUNS = re.compile(r"[wW]|[^wW]+")


@asynccontextmanager
async def opened(settings: Plivo, switchboard: Switchboard) -> AsyncIterator[PlivoLine]:
    """The line of *settings*, with its HTTP client, while inside."""
    async with ClientSession(
        headers={
            "Authorization": basic_authorization(settings.auth_id, settings.auth_token),
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        timeout=ClientTimeout(total=None),
    ) as http:
        api = PlivoApi(http=http, base=settings.api_base, account=settings.account)
        async with task_scope() as tasks:
            streams = Streams(api=api, switchboard=switchboard, tasks=tasks)
            try:
                yield PlivoLine(
                    settings=settings, switchboard=switchboard, api=api, streams=streams
                )
            finally:
                streams.stop()


@attrs.define(eq=False, kw_only=True)
class PlivoLine:
    """Calls of one account, named by their CallUUID."""

    settings: Plivo
    switchboard: Switchboard
    api: PlivoApi
    streams: Streams
    clock: Clock = attrs.field(factory=LoopClock)
    name: ClassVar[str] = "plivo"
    can: ClassVar[CarrierCapabilities] = CAN
    _prices: CallPrices = attrs.field(factory=CallPrices, init=False)
    _urls: CallbackUrls = attrs.field(init=False)
    _setup: Setup = attrs.field(init=False)
    _transfers: Transfers = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._urls = CallbackUrls(self.switchboard, CARRIER, "Plivo")
        self._setup = Setup(self.api, self._urls, self.settings.app_name)
        self._transfers = Transfers(
            switchboard=self.switchboard,
            urls=self._urls,
            api=self.api,
            streams=self.streams,
            hold_url=self.settings.hold_url,
            voice=self.settings.voice,
            language=self.settings.language,
        )

    @property
    def account(self) -> str:
        """The account whose secret signs its webhooks."""
        return self.settings.account

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhooks and the media socket."""
        webhooks = Webhooks(
            switchboard=self.switchboard,
            urls=self._urls,
            transfers=self._transfers,
            prices=self._prices,
        )
        forms = FormWebhooks(
            switchboard=self.switchboard,
            signature=Signature(token=self.settings.auth_token),
            read=self._read,
            empty_status=200,
        )
        handlers = {**webhooks.handlers(), **self._transfers.handlers()}
        return [
            *(forms.route(webhook_path(CARRIER, path), each) for path, each in handlers.items()),
            web.get(media_path(CARRIER), self.streams.serve),
        ]

    async def dial(self, request: DialRequest) -> str:
        """Place a call, once: its ``request_uuid`` is its CallUUID when one number is rung."""
        body = {
            "from": request.from_number,
            "to": request.to,
            "answer_url": self._urls.webhook("answer", token=request.ticket.token),
            "answer_method": "POST",
            "ring_url": self._urls.webhook("ring"),
            "ring_method": "POST",
            "hangup_url": self._urls.webhook("hangup"),
            "hangup_method": "POST",
            "ring_timeout": request.ring_timeout_s,
        }
        if request.machine_detection:
            body |= {
                "machine_detection": "true",
                "machine_detection_time": DETECTION_MS,
                "machine_detection_url": self._urls.webhook("machine"),
                "machine_detection_method": "POST",
            }
        response = await self.api.post(f"call {request.to}", "Call", body=body)
        result = response.result("check both numbers, and that this account may call there")
        return request_uuid(result.get("request_uuid"))

    async def configure(self, number: str) -> None:
        """Point *number* at us. Raises ProvisionError saying what to set by hand."""
        await self._setup.configure(number)

    async def look_up(self, number: str) -> NumberSettings:
        """Read, change nothing. Raises ProvisionError when *number* is not on this account."""
        return await self._setup.look_up(number)

    async def hangup(self, carrier_call_id: str) -> None:
        """End the call, also one that still rings or waits; one that is over is no error."""
        await self.api.end(carrier_call_id)

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        """Begin a transfer; webhooks report how it ends."""
        if not is_target(request.target):
            raise InputError(
                f"{request.target!r} is neither a number nor a SIP address",
                fix="write it like +15550188000 or sip:help@example.com",
            )
        await self._transfers.begin(carrier_call_id, request)

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        """Press *digits*; pauses are waited for here, since Plivo documents none."""
        if not _KEYS.match(digits):
            raise InputError(f"{digits[:40]!r} are not keys", fix="use 0-9 * # A-D and w")
        for run in _RUNS.findall(digits):
            if pause := PAUSE_MS.get(run):
                await self.clock.sleep(pause)
            else:
                keys = {"digits": run, "leg": "aleg"}
                response = await self.api.post(
                    "send DTMF", "Call", carrier_call_id, "DTMF", body=keys
                )
                response.result("send DTMF only while the call lasts")

    async def start_recording(self, carrier_call_id: str) -> None:
        """Record until the end of the call; a webhook brings the address."""
        body = {
            "time_limit": RECORDING_S,
            "file_format": "mp3",
            "callback_url": self._urls.webhook("recording", call=carrier_call_id),
            "callback_method": "POST",
        }
        what = "record the call"
        response = await self.api.post(what, "Call", carrier_call_id, "Record", body=body)
        response.result("start a recording while the call lasts")

    async def pause_recording(self, carrier_call_id: str) -> None:
        """Plivo cannot pause one, so it ends; `resume_recording` begins the next."""
        await self.api.stop_recordings(carrier_call_id)

    async def resume_recording(self, carrier_call_id: str) -> None:
        """Begin another recording."""
        await self.start_recording(carrier_call_id)

    async def price(self, carrier_call_id: str) -> float | None:
        """The price in the hang-up's webhook, else that of the call's resource at Plivo."""
        if (usd := await self._prices.wait(carrier_call_id, PRICE_S)) is not None:
            return usd
        response = await self.api.get("read the call's price", "Call", carrier_call_id)
        return None if response.gone else amount(response.body.get("total_amount"))

    def _read(self, signed: SignedForm) -> Form:
        return Form(signed.fields, signed.query, account=self.account)


def request_uuid(raw: object) -> str:
    """The id in the response to a dial, which is a list when several numbers were rung."""
    first = raw[0] if isinstance(raw, list) and raw else raw
    if not isinstance(first, str) or not first:
        raise ProviderError(
            "Plivo placed the call, and did not say its request_uuid",
            fix="look for it in the logs at console.plivo.com",
        )
    return first


if TYPE_CHECKING:
    _: type[CarrierLine] = PlivoLine
