"""Transfers: cold and warm, and fetching the caller back when nobody takes the call.

A caller is always in one place: with the agent, on hold, with a human, or gone. What a later
webhook needs stands in its address; only whom to stop ringing is kept in this process.
"""

from __future__ import annotations

import logging

import attrs

from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.transfer_targets import TransferTargets
from patter.carriers.vendor_api import ApiRefusal
from patter.errors import InputError, PatterError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter_twilio import _xml
from patter_twilio._form import CARRIER
from patter_twilio._refusal import OVER
from patter_twilio._rest import TwilioApi

log = logging.getLogger("patter.twilio")
STEP_S = 3.0
"""How long parking the caller, ringing the human, or fetching the caller back may take: a call
waits 10 s for all of them."""
LOOK_S = 0.9
"""How long asking Twilio for our own number in the call may take."""


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *voice* and *language* speak briefings."""

    api: TwilioApi
    switchboard: Switchboard
    urls: CallbackUrls
    account: str
    voice: str = ""
    language: str = ""
    _targets: TransferTargets = attrs.field(factory=TransferTargets, init=False)

    async def begin(self, call_sid: str, request: TransferRequest) -> None:
        """Start to hand the caller over. Raises PatterError; then the caller is with us."""
        if request.mode == "warm":
            await self._park_and_ring(call_sid, request)
        else:
            action = self.urls.unique("transferred")
            taken = self.urls.unique("taken", call=call_sid)
            await self._run(call_sid, _xml.dial(request, action, taken))

    async def back(self, caller: CarrierCall, status: str) -> str:
        """Nobody took *caller*: TwiML that brings them back to us, or ends a call that is over."""
        try:
            ticket = await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        await self.switchboard.transferred(caller, taken=False, status=status)
        return _xml.connect(ticket.media_url, self.urls.unique("again"))

    async def entering(self, caller: CarrierCall, human_sid: str) -> str:
        """The briefed human is ready: TwiML that leads to the caller, if they still wait."""
        if not self._targets.may_connect(caller.carrier_call_id, human_sid):
            return _xml.hangup()
        try:
            await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        return _xml.enter(room(caller.carrier_call_id))

    async def connect(self, caller: CarrierCall, status: str) -> None:
        """The human and the caller talk."""
        self._targets.connect(caller.carrier_call_id)
        await self.switchboard.transferred(caller, taken=True, status=status)

    async def human_gone(self, caller: CarrierCall, human_sid: str, status: str) -> None:
        """The human's line is down: unless they met, the caller is taken from hold."""
        if self._targets.is_pending(caller.carrier_call_id, human_sid):
            await self._give_up(caller, human_sid, status)

    async def hold_ended(self, caller: CarrierCall, status: str) -> str:
        """The caller's hold or talk has ended, and their line is up: what comes next."""
        if self._targets.is_connected(caller.carrier_call_id):
            return _xml.hangup()
        await self._stop_ringing(self._targets.release(caller.carrier_call_id))
        return await self.back(caller, status)

    async def caller_gone(self, caller: CarrierCall) -> None:
        """The caller's line is down: nobody needs to be rung for them any more."""
        await self._stop_ringing(self._targets.remove(caller.carrier_call_id))

    async def end(self, call_sid: str) -> None:
        """End a call; one that is over is no error."""
        try:
            await self.api.change(call_sid, status="completed")
        except ApiRefusal as error:
            if error.vendor_code not in OVER:
                raise

    async def _stop_ringing(self, human_sid: str) -> None:
        if human_sid:
            await self.end(human_sid)

    async def _park_and_ring(self, call_sid: str, request: TransferRequest) -> None:
        ours = request.from_number or await self._our_number(call_sid)
        self._targets.expect(call_sid)
        try:
            await self._run(call_sid, self._hold(call_sid))
            if call_sid not in self._targets:
                return  # the caller has hung up meanwhile: nobody is rung for them
            human_sid = await self._ring(call_sid, request, ours)
        except PatterError:
            # Also a park that only timed out: the caller may be on hold with nobody rung.
            await self._give_up(CarrierCall(CARRIER, call_sid, self.account), "", "failed")
            raise
        if not self._targets.name(call_sid, human_sid):
            await self.end(human_sid)

    def _hold(self, call_sid: str) -> str:
        action, started = self.urls.unique("held"), self.urls.unique("conference", call=call_sid)
        return _xml.hold(room(call_sid), action, started)

    async def _ring(self, call_sid: str, request: TransferRequest, ours: str) -> str:
        join = self.urls.unique("join", call=call_sid)
        return await self.api.dial(
            within_s=STEP_S,
            to=request.target,
            from_=ours,
            twiml=_xml.brief(request.summary, join, self.voice, self.language),
            timeout=request.ring_timeout_s,
            status_callback=self.urls.unique("human", call=call_sid),
            status_callback_event=["completed"],
            status_callback_method="POST",
        )

    async def _give_up(self, caller: CarrierCall, human_sid: str, status: str) -> None:
        """Fetch the caller back, once; after a failure it may be tried again."""
        self._targets.release(caller.carrier_call_id)
        try:
            await self._fetch(caller, status)
        except PatterError:
            self._targets.restore(caller.carrier_call_id, human_sid)
            raise

    async def _fetch(self, caller: CarrierCall, status: str) -> None:
        """Take the caller out of hold, over the API: to us, or off the line if we are done."""
        try:
            ticket = await self.switchboard.reissue(caller)
            back = _xml.connect(ticket.media_url, self.urls.unique("again"))
            await self._run(caller.carrier_call_id, back)
        except InputError:
            await self.end(caller.carrier_call_id)
            return
        except ApiRefusal as error:
            if error.vendor_code not in OVER:
                raise
            return
        await self.switchboard.transferred(caller, taken=False, status=status)

    async def _run(self, call_sid: str, twiml: str) -> None:
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


def room(call_sid: str) -> str:
    """The conference in which a caller waits."""
    return f"patter-{call_sid}"
