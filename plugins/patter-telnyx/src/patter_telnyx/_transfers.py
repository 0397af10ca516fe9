"""Transfers: cold and warm, and keeping the caller when nobody takes the call.

A caller is always in one place: with the agent, on hold, with a human, or gone. What a later
webhook needs stands in the human's client_state; only whom to stop ringing is kept here.
"""

from __future__ import annotations

import logging
import uuid

import attrs

from patter.carriers.bounded_dict import BoundedDict
from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.vendor_api import ApiRefusal
from patter.errors import InputError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter_telnyx._event import CARRIER, TALKED, VOICE, Event
from patter_telnyx._rest import STEP_S, TelnyxApi
from patter_telnyx._state import ClientState, Stage
from patter_telnyx._streams import Streams

log = logging.getLogger("patter.telnyx")
RING_S = (5, 600)
"""What Telnyx takes as the time to ring somebody."""


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *voice* and *language* speak briefings."""

    api: TelnyxApi
    switchboard: Switchboard
    account: str
    urls: CallbackUrls
    streams: Streams
    voice: str
    language: str
    _ringing: BoundedDict[str, str] = attrs.field(factory=BoundedDict, init=False, repr=False)

    async def begin(self, call_id: str, request: TransferRequest) -> None:
        """Start a transfer. Raises PatterError; then the caller is with us."""
        self.streams.leave(call_id)
        try:
            if request.mode == "warm":
                await self._ring(call_id, request)
            else:
                await self._connect(call_id, request)
        except BaseException:
            self.streams.stay(call_id)
            raise

    async def answered(self, event: Event) -> None:
        """The human took the call: connected already, or to be briefed first."""
        if event.state.stage is Stage.COLD:
            await self._taken(event, "answered")
        elif not await self._waits(event):
            await self.api.hangup(event.call_id, within_s=STEP_S)
        elif event.state.summary:
            await self._brief(event)
        else:
            await self.after_briefing(event)

    async def after_briefing(self, event: Event) -> None:
        """The briefing is over: connect the two. A human without a caller is hung up."""
        state = ClientState(of=event.state.of, stage=Stage.BRIDGED)
        try:
            await self.api.command(
                event.call_id,
                "bridge",
                {"call_control_id": event.state.of, "client_state": str(state)},
                once="bridge",
                within_s=STEP_S,
            )
        except ApiRefusal as error:
            log.info("call %s is not connected: %s", event.state.of, error.message)
            await self.api.hangup(event.call_id, within_s=STEP_S)

    async def bridged(self, event: Event) -> None:
        """The human and the caller talk: no more of our media."""
        await self._taken(event, "bridged")
        await self.streams.stop(event.state.of)

    async def human_gone(self, event: Event) -> None:
        """The human's line is down: unless the two have talked, the caller stays with us.

        A caller whose call is over here meanwhile has nobody left to talk to.
        """
        state, cause = event.state, event.text("hangup_cause")
        self._ringing.pop(state.of, None)
        if state.stage is Stage.BRIDGED:
            return
        if state.stage is Stage.COLD and cause == TALKED:
            await self._taken(event, cause)
        elif await self.streams.fetch(state.of):
            self.streams.stay(state.of)
            await self.switchboard.transferred(
                event.caller(self.account), taken=False, status=cause
            )
        else:
            await self.api.hangup(state.of, within_s=STEP_S)

    async def caller_gone(self, call_id: str) -> None:
        """The caller's line is down: nobody needs to be rung for them any more."""
        self.streams.forget(call_id)
        if human := self._ringing.pop(call_id, ""):
            await self.api.hangup(human, within_s=STEP_S)

    async def _connect(self, call_id: str, request: TransferRequest) -> None:
        """Telnyx rings the target and connects; the caller's leg stays up when it cannot."""
        ours = {"from": request.from_number} if request.from_number else {}
        params = {
            "to": request.target,
            "timeout_secs": ring_s(request.ring_timeout_s),
            "target_leg_client_state": str(ClientState(of=call_id)),
            "webhook_url": self.urls.webhook(VOICE),
            **ours,
        }
        await self.api.command(call_id, "transfer", params)

    async def _ring(self, call_id: str, request: TransferRequest) -> None:
        """Ring the target; the caller hears nothing meanwhile."""
        if not request.from_number:
            raise ProvisionError(
                "Telnyx rings nobody without a number of ours",
                fix="give from_number=, or transfer with mode='cold'",
            )
        state = ClientState(of=call_id, stage=Stage.WARM, summary=request.summary)
        options = {
            "connection_id": self.account,
            "to": request.target,
            "from": request.from_number,
            "timeout_secs": ring_s(request.ring_timeout_s),
            "link_to": call_id,
            "client_state": str(state),
            "webhook_url": self.urls.webhook(VOICE),
        }
        human = await self.api.dial(str(uuid.uuid4()), **options)
        if self.streams.is_away(call_id):
            self._ringing[call_id] = human
        else:
            await self.api.hangup(human)

    async def _brief(self, event: Event) -> None:
        try:
            await self.api.command(
                event.call_id,
                "speak",
                {
                    "payload": event.state.summary,
                    "voice": self.voice,
                    "language": self.language,
                },
                once="brief",
                within_s=STEP_S,
            )
        except ApiRefusal as error:
            log.warning("call %s: its human is not briefed: %s", event.state.of, error.message)
            await self.after_briefing(event)

    async def _taken(self, event: Event, status: str) -> None:
        self._ringing.pop(event.state.of, None)
        await self.switchboard.transferred(event.caller(self.account), taken=True, status=status)

    async def _waits(self, event: Event) -> bool:
        """Is the caller still there?"""
        try:
            await self.switchboard.reissue(CarrierCall(CARRIER, event.state.of, self.account))
        except InputError:
            return False
        return True


def ring_s(timeout_s: int) -> int:
    """The time to ring nearest to *timeout_s* that Telnyx takes."""
    return min(max(timeout_s, RING_S[0]), RING_S[1])
