"""A Plivo account while a server runs: what can be asked of it, and where its webhooks end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs
from aiohttp import ClientSession, ClientTimeout, web

from patter.call.allow import is_target
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
from patter_plivo._addresses import ROOT, Addresses
from patter_plivo._door import Door
from patter_plivo._form import amount
from patter_plivo._prices import Prices
from patter_plivo._rest import PlivoApi, basic
from patter_plivo._setup import Setup
from patter_plivo._signature import Seal
from patter_plivo._transfers import Transfers
from patter_plivo._webhooks import Webhooks
from patter_plivo.carrier import CAN, Plivo

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
            "Authorization": basic(settings.auth_id, settings.auth_token),
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        timeout=ClientTimeout(total=None),
    ) as http:
        api = PlivoApi(http=http, base=settings.api_base, account=settings.account)
        yield PlivoLine(settings=settings, switchboard=switchboard, api=api)


@attrs.define(eq=False, kw_only=True)
class PlivoLine:
    """Calls of one account, named by their CallUUID."""

    settings: Plivo
    switchboard: Switchboard
    api: PlivoApi
    clock: Clock = attrs.field(factory=LoopClock)
    name: ClassVar[str] = "plivo"
    can: ClassVar[CarrierCapabilities] = CAN
    _prices: Prices = attrs.field(factory=Prices, init=False)
    _to: Addresses = attrs.field(init=False)
    _setup: Setup = attrs.field(init=False)
    _transfers: Transfers = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._to = Addresses(self.switchboard)
        self._setup = Setup(self.api, self._to, self.settings.app_name)
        self._transfers = Transfers(
            switchboard=self.switchboard,
            api=self.api,
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
        door = Door(self.switchboard, Seal(token=self.settings.auth_token), self.account)
        webhooks = Webhooks(
            switchboard=self.switchboard,
            transfers=self._transfers,
            prices=self._prices,
        )
        handlers = {**webhooks.handlers(), **self._transfers.handlers()}
        return [
            *(web.post(f"{ROOT}/{name}", door.guarding(each)) for name, each in handlers.items()),
            web.get("/media/plivo/{token}", webhooks.media),
        ]

    async def dial(self, request: DialRequest) -> str:
        """Place a call, once: its ``request_uuid`` is its CallUUID when one number is rung."""
        order = {
            "from": request.from_number,
            "to": request.to,
            "answer_url": self._to.fixed("answer", token=request.ticket.token),
            "answer_method": "POST",
            "ring_url": self._to.fixed("ring"),
            "ring_method": "POST",
            "hangup_url": self._to.fixed("hangup"),
            "hangup_method": "POST",
            "ring_timeout": request.ring_timeout_s,
        }
        if request.machine_detection:
            order |= {
                "machine_detection": "true",
                "machine_detection_time": DETECTION_MS,
                "machine_detection_url": self._to.fixed("machine"),
                "machine_detection_method": "POST",
            }
        answer = await self.api.post(f"call {request.to}", "Call", body=order)
        body = answer.taken("check both numbers, and that this account may call there")
        return placed(body.get("request_uuid"))

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
        """Begin to hand the caller over; webhooks tell how it ends."""
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
                answer = await self.api.post(
                    "press keys", "Call", carrier_call_id, "DTMF", body=keys
                )
                answer.taken("press keys only while the call lasts")

    async def start_recording(self, carrier_call_id: str) -> None:
        """Record until the end of the call; a webhook brings the address."""
        order = {
            "time_limit": RECORDING_S,
            "file_format": "mp3",
            "callback_url": self._to.fixed("recording", call=carrier_call_id),
            "callback_method": "POST",
        }
        what = "record the call"
        answer = await self.api.post(what, "Call", carrier_call_id, "Record", body=order)
        answer.taken("start a recording while the call lasts")

    async def price(self, carrier_call_id: str) -> float | None:
        """What Plivo told when the call hung up, else what its record of the call says."""
        if (told := await self._prices.of(carrier_call_id)) is not None:
            return told
        answer = await self.api.get("read the call's price", "Call", carrier_call_id)
        return None if answer.gone else amount(answer.body.get("total_amount"))


def placed(told: object) -> str:
    """The id in the answer to a dial, which is a list when several numbers were rung."""
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, str) or not first:
        raise ProviderError(
            "Plivo placed the call, and did not say its request_uuid",
            fix="look for it in the logs at console.plivo.com",
        )
    return first


if TYPE_CHECKING:
    _: type[CarrierLine] = PlivoLine
