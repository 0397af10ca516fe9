"""Handing callers over, and taking them back when nobody wants them.

A caller is always in one place: with the agent, on hold, with a human, or gone. What has to
outlive this process stands in addresses; only whom to stop ringing is remembered here.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from enum import Enum

import attrs

from patter.errors import InputError, PatterError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter_twilio import _xml
from patter_twilio._addresses import Addresses
from patter_twilio._form import CARRIER
from patter_twilio._refusal import OVER, Refused
from patter_twilio._rest import TwilioApi

log = logging.getLogger("patter.twilio")
STEP_S = 3.0
"""How long parking the caller, ringing the human, or fetching the caller back may take: a call
waits 10 s for all of them."""
LOOK_S = 0.9
"""How long it may take to find out which number of ours is in the call."""
REMEMBERED = 10_000


class Stage(Enum):
    """How far a warm transfer has come."""

    RINGING = "ringing"
    TAKEN = "taken"
    GIVEN_UP = "given up"


@attrs.define
class Warm:
    """A warm transfer: the call to the human, empty until it was placed."""

    human_sid: str = ""
    stage: Stage = Stage.RINGING


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *voice* and *language* speak briefings."""

    api: TwilioApi
    switchboard: Switchboard
    account: str
    voice: str = ""
    language: str = ""
    _warm: OrderedDict[str, Warm] = attrs.field(factory=OrderedDict, init=False, repr=False)

    async def begin(self, call_sid: str, request: TransferRequest) -> None:
        """Start to hand the caller over. Raises PatterError; then the caller is with us."""
        if request.mode == "warm":
            await self._park_and_ring(call_sid, request)
        else:
            to = self._to
            action, taken = to.once("transferred"), to.once("taken", call=call_sid)
            await self._order(call_sid, _xml.dial(request, action, taken))

    async def back(self, caller: CarrierCall, status: str) -> str:
        """Nobody took *caller*: TwiML that brings them back to us, or ends a call that is over."""
        try:
            ticket = await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        await self.switchboard.transferred(caller, taken=False, status=status)
        return _xml.connect(ticket.media_url, self._to.once("again"))

    async def entering(self, caller: CarrierCall) -> str:
        """The briefed human is ready: TwiML that leads to the caller, if they still wait."""
        if (warm := self._known(caller)) and warm.stage is Stage.GIVEN_UP:
            return _xml.hangup()
        try:
            await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        return _xml.enter(room(caller.carrier_call_id))

    async def met(self, caller: CarrierCall, status: str) -> None:
        """The human and the caller talk."""
        if warm := self._known(caller):
            warm.stage = Stage.TAKEN
        await self.switchboard.transferred(caller, taken=True, status=status)

    async def human_gone(self, caller: CarrierCall, human_sid: str, status: str) -> None:
        """The human's line is down: unless they met, the caller is taken from hold."""
        warm = self._known(caller)
        if warm and (warm.stage is not Stage.RINGING or warm.human_sid not in ("", human_sid)):
            return
        await self._give_up(warm or Warm(), caller, status)

    async def held_no_more(self, caller: CarrierCall, status: str) -> str:
        """The caller's hold or talk has ended, and their line is up: what comes next."""
        warm = self._known(caller)
        if warm and warm.stage is Stage.TAKEN:
            return _xml.hangup()
        if warm:
            await self._stop_ringing(warm)
        return await self.back(caller, status)

    async def caller_gone(self, caller: CarrierCall) -> None:
        """The caller's line is down: nobody needs to be rung for them any more."""
        if warm := self._warm.pop(caller.carrier_call_id, None):
            await self._stop_ringing(warm)

    async def end(self, call_sid: str) -> None:
        """End a call; one that is over is no error."""
        try:
            await self.api.change(call_sid, status="completed")
        except Refused as error:
            if error.vendor_code not in OVER:
                raise

    @property
    def _to(self) -> Addresses:
        return Addresses(self.switchboard)

    def _known(self, caller: CarrierCall) -> Warm | None:
        return self._warm.get(caller.carrier_call_id)

    async def _stop_ringing(self, warm: Warm) -> None:
        if warm.stage is Stage.RINGING:
            warm.stage = Stage.GIVEN_UP
            if warm.human_sid:
                await self.end(warm.human_sid)

    async def _park_and_ring(self, call_sid: str, request: TransferRequest) -> None:
        ours = request.from_number or await self._our_number(call_sid)
        warm = self._remember(call_sid)
        try:
            await self._order(call_sid, self._hold(call_sid))
            warm.human_sid = await self._ring(call_sid, request, ours)
        except PatterError:
            # Also a park that only timed out: the caller may be on hold with nobody rung.
            await self._give_up(warm, CarrierCall(CARRIER, call_sid, self.account), "failed")
            raise
        if warm.stage is Stage.GIVEN_UP:
            await self.end(warm.human_sid)

    def _hold(self, call_sid: str) -> str:
        action, started = self._to.once("held"), self._to.once("conference", call=call_sid)
        return _xml.hold(room(call_sid), action, started)

    async def _ring(self, call_sid: str, request: TransferRequest, ours: str) -> str:
        join = self._to.once("join", call=call_sid)
        return await self.api.dial(
            within_s=STEP_S,
            to=request.target,
            from_=ours,
            twiml=_xml.brief(request.summary, join, self.voice, self.language),
            timeout=request.ring_timeout_s,
            status_callback=self._to.once("human", call=call_sid),
            status_callback_event=["completed"],
            status_callback_method="POST",
        )

    async def _give_up(self, warm: Warm, caller: CarrierCall, status: str) -> None:
        """Fetch the caller back, once; after a failure it may be tried again."""
        warm.stage = Stage.GIVEN_UP
        try:
            await self._fetch(caller, status)
        except PatterError:
            warm.stage = Stage.RINGING
            raise

    async def _fetch(self, caller: CarrierCall, status: str) -> None:
        """Take the caller out of hold, over the API: to us, or off the line if we are done."""
        try:
            ticket = await self.switchboard.reissue(caller)
            back = _xml.connect(ticket.media_url, self._to.once("again"))
            await self._order(caller.carrier_call_id, back)
        except InputError:
            await self.end(caller.carrier_call_id)
            return
        except Refused as error:
            if error.vendor_code not in OVER:
                raise
            return
        await self.switchboard.transferred(caller, taken=False, status=status)

    async def _order(self, call_sid: str, twiml: str) -> None:
        await self.api.change(call_sid, within_s=STEP_S, twiml=twiml)

    async def _our_number(self, call_sid: str) -> str:
        """The number of ours in a call. Raises ProvisionError when there is none."""
        call = await self.api.call(call_sid, LOOK_S)
        ours = call._from if str(call.direction).startswith("outbound") else call.to
        if not ours:
            raise ProvisionError(
                f"the call {call_sid} has no number of ours to ring a human from",
                fix="transfer with mode='cold'",
            )
        return str(ours)

    def _remember(self, call_sid: str) -> Warm:
        warm = self._warm[call_sid] = Warm()
        self._warm.move_to_end(call_sid)
        while len(self._warm) > REMEMBERED:
            self._warm.popitem(last=False)
        return warm


def room(call_sid: str) -> str:
    """The conference in which a caller waits."""
    return f"patter-{call_sid}"
