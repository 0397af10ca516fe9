"""Handing callers over, and keeping them when nobody wants them.

A caller is always in one place: with the agent, on hold, with a human, or gone. What a later
webhook needs stands in the human's client_state; only whom to stop ringing is remembered here.
"""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict

import attrs

from patter.errors import InputError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter_telnyx._addresses import Addresses
from patter_telnyx._event import CARRIER, TALKED, Event
from patter_telnyx._refusal import Refused
from patter_telnyx._rest import STEP_S, TelnyxApi
from patter_telnyx._state import ClientState, Stage
from patter_telnyx._streams import Streams

log = logging.getLogger("patter.telnyx")
REMEMBERED = 10_000
RING_S = (5, 600)
"""What Telnyx takes as the time to ring somebody."""


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *voice* and *language* speak briefings."""

    api: TelnyxApi
    switchboard: Switchboard
    account: str
    to: Addresses
    streams: Streams
    voice: str
    language: str
    _humans: OrderedDict[str, str] = attrs.field(factory=OrderedDict, init=False, repr=False)

    async def begin(self, call_id: str, request: TransferRequest) -> None:
        """Start to hand the caller over. Raises PatterError; then the caller is with us."""
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
        """The human took the call: connected already, or to be told first whose call it is."""
        if event.state.stage is Stage.COLD:
            await self._taken(event, "answered")
        elif not await self._waits(event):
            await self.api.hangup(event.call_id, within_s=STEP_S)
        elif event.state.summary:
            await self._brief(event)
        else:
            await self.briefed(event)

    async def briefed(self, event: Event) -> None:
        """The human knows enough: connect the two. A human without a caller is let go."""
        state = ClientState(of=event.state.of, stage=Stage.BRIDGED)
        try:
            await self.api.order(
                event.call_id,
                "bridge",
                {"call_control_id": event.state.of, "client_state": str(state)},
                once="bridge",
                within_s=STEP_S,
            )
        except Refused as error:
            log.info("call %s is not connected: %s", event.state.of, error.message)
            await self.api.hangup(event.call_id, within_s=STEP_S)

    async def bridged(self, event: Event) -> None:
        """The human and the caller talk: no more of our media."""
        await self._taken(event, "bridged")
        await self.streams.stop(event.state.of)

    async def human_gone(self, event: Event) -> None:
        """The human's line is down: unless the two have talked, the caller stays with us.

        A call that is over here meanwhile has nobody left to talk to.
        """
        state, cause = event.state, event.text("hangup_cause")
        self._humans.pop(state.of, None)
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
        self.streams.stay(call_id)
        if human := self._humans.pop(call_id, ""):
            await self.api.hangup(human, within_s=STEP_S)

    async def _connect(self, call_id: str, request: TransferRequest) -> None:
        """Telnyx rings the target and connects; the caller's leg stays up when it cannot."""
        ours = {"from": request.from_number} if request.from_number else {}
        told = {
            "to": request.target,
            "timeout_secs": ring_s(request.ring_timeout_s),
            "target_leg_client_state": str(ClientState(of=call_id)),
            "webhook_url": self.to.voice,
            **ours,
        }
        await self.api.order(call_id, "transfer", told)

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
            "webhook_url": self.to.voice,
        }
        human = await self.api.dial(str(uuid.uuid4()), **options)
        if self.streams.is_away(call_id):
            self._remember(call_id, human)
        else:
            await self.api.hangup(human)

    async def _brief(self, event: Event) -> None:
        try:
            await self.api.order(
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
        except Refused as error:
            log.warning("call %s: its human is told nothing: %s", event.state.of, error.message)
            await self.briefed(event)

    async def _taken(self, event: Event, status: str) -> None:
        self._humans.pop(event.state.of, None)
        await self.switchboard.transferred(event.caller(self.account), taken=True, status=status)

    async def _waits(self, event: Event) -> bool:
        """Is the caller still there?"""
        try:
            await self.switchboard.reissue(CarrierCall(CARRIER, event.state.of, self.account))
        except InputError:
            return False
        return True

    def _remember(self, call_id: str, human: str) -> None:
        self._humans[call_id] = human
        while len(self._humans) > REMEMBERED:
            self._humans.popitem(last=False)


def ring_s(asked: int) -> int:
    """*asked*, as far as Telnyx takes it."""
    return min(max(asked, RING_S[0]), RING_S[1])
