"""Handing callers over, and taking them back when nobody wants them.

A caller is always in one place: with the agent, on hold, with a human, or gone. What a later
webhook needs stands in its address, and whether the call goes on is the switchboard's to say;
only who is rung for whom is remembered here, while the caller's line is up.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

import attrs

from patter.call.allow import is_target
from patter.errors import InputError, PatterError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter_plivo import _xml
from patter_plivo._addresses import Addresses, packed, unpacked
from patter_plivo._door import NOTHING, Handler
from patter_plivo._form import ANSWERED, LINE_DOWN, Form, call_uuid
from patter_plivo._humans import Humans
from patter_plivo._rest import PlivoApi

log = logging.getLogger("patter.plivo")
STEP_S = 3.0
"""How long parking the caller, ringing the human, and taking the caller back may each take: a
call waits 10 s for all of it."""
_STAYS = "the caller stays with the agent: try again, or another target"
_AS_GIVEN = "send the address on as it was given"


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *hold_url* gives the XML a caller on hold hears.

    *voice* and *language* speak briefings.
    """

    api: PlivoApi
    switchboard: Switchboard
    hold_url: str = ""
    voice: str = ""
    language: str = ""
    _humans: Humans = attrs.field(factory=Humans, init=False)

    def handlers(self) -> Mapping[str, Handler]:
        """What answers which webhook."""
        return {
            "transfer": self.transfer,
            "dialling": self.dialling,
            "dialled": self.dialled,
            "hold": self.hold,
            "briefing": self.briefing,
            "conference": self.conference,
            "human": self.human,
        }

    # --- what is ordered

    async def begin(self, call: str, request: TransferRequest) -> None:
        """Start to hand the caller over. Raises PatterError; then the caller is with us."""
        if request.mode == "warm":
            await self._park_and_ring(call, request)
        else:
            timeout = str(request.ring_timeout_s)
            told = {"to": request.target, "caller": request.from_number, "timeout": timeout}
            await self.move(call, "transfer", **told)

    async def move(self, call: str, what: str, **told: str) -> None:
        """Let the webhook *what* decide from now on what becomes of *call*. Raises PatterError."""
        order = {"legs": "aleg", "aleg_url": self._to.fixed(what, **told), "aleg_method": "POST"}
        answer = await self.api.put("move the call", "Call", call, body=order, within_s=STEP_S)
        answer.taken(_STAYS)

    def connected(self, media_url: str) -> str:
        """The XML that streams a call to *media_url*."""
        again, status = self._to.fixed("again"), self._to.fixed("stream")
        return _xml.connect(media_url, again=again, status=status)

    async def back(self, call: CarrierCall) -> str:
        """The XML that brings *call* to the agent again, or ends it when we are done with it."""
        try:
            ticket = await self.switchboard.reissue(call)
        except InputError as error:
            log.info("call %s does not come back: %s", call.carrier_call_id, error.message)
            return _xml.hangup()
        return self.connected(ticket.media_url)

    async def caller_gone(self, caller: CarrierCall) -> None:
        """The caller's line is down: nobody needs to be rung for them any more."""
        if human := self._humans.gone(caller.carrier_call_id):
            await self._let_go(human)

    # --- cold: what Plivo asks and tells

    async def transfer(self, form: Form) -> str:
        """The caller left the stream: ring the target."""
        target, timeout = form.asked("to"), form.asked("timeout")
        if not is_target(target) or not timeout.isdecimal():
            raise InputError("the address names no target", fix=_AS_GIVEN)
        call = form.call.carrier_call_id
        return _xml.dial(
            target,
            caller=form.asked("caller"),
            timeout_s=int(timeout),
            done=self._to.fixed("dialled", call=call),
            news=self._to.fixed("dialling", call=call),
        )

    async def dialling(self, form: Form) -> str:
        """News of the target: somebody takes the caller."""
        if (action := form.get("DialAction")) in ANSWERED:
            await self.switchboard.transferred(form.caller, taken=True, status=action)
        return NOTHING

    async def dialled(self, form: Form) -> str:
        """The target hung up, or never came: then the caller is ours again."""
        caller, status = form.caller, form.get("DialStatus")
        if status == LINE_DOWN:
            await self.switchboard.transferred(caller, taken=True, status=status)
            return _xml.hangup()
        if form.over:
            await self.switchboard.report(caller, LINE_DOWN, None)
            return _xml.hangup()
        answer = await self.back(caller)
        await self.switchboard.transferred(caller, taken=False, status=status or "failed")
        return answer

    # --- warm: what Plivo asks and tells

    async def hold(self, form: Form) -> str:
        """The caller left the stream: wait where the human will come."""
        return _xml.hold(_room(form), sound=self.hold_url)

    async def briefing(self, form: Form) -> str:
        """The human answered: say what it is about, if the caller still waits."""
        caller, room, summary = form.caller, _room(form), unpacked(form.asked("summary"))
        if not self._humans.may_meet(caller.carrier_call_id, form.call.carrier_call_id):
            return _xml.hangup()
        try:
            await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        news = self._to.fixed("conference", call=caller.carrier_call_id)
        return _xml.brief(summary, room, news=news, voice=self.voice, language=self.language)

    async def conference(self, form: Form) -> str:
        """The human came to the caller. One who finds nobody is not left waiting."""
        if form.get("ConferenceAction") != "enter":
            return NOTHING
        caller, human = form.caller, form.call.carrier_call_id
        waited_for = caller.carrier_call_id
        if not (self._humans.may_meet(waited_for, human) and await self._is_up(waited_for)):
            await self._let_go(human)
            return NOTHING
        self._humans.meet(waited_for, human)
        await self.switchboard.transferred(caller, taken=True, status="answered")
        return NOTHING

    async def human(self, form: Form) -> str:
        """The human's line is down. A caller who never met them comes back to the agent, once.

        When the call is over meanwhile they are not left on hold.
        """
        caller, human = form.caller, form.call.carrier_call_id
        call, humans = caller.carrier_call_id, self._humans
        if humans.met(call, human) or not humans.may_meet(call, human):
            return NOTHING
        humans.settle(call)
        try:
            back = await self._back_or_gone(caller)
        except PatterError:
            humans.reopen(call, human)
            raise
        if back:
            await self.switchboard.transferred(caller, taken=False, status=form.last_status)
        return NOTHING

    async def _back_or_gone(self, caller: CarrierCall) -> bool:
        """Take *caller* from hold: True, to the agent. Raises PatterError: they are still there."""
        call = caller.carrier_call_id
        try:
            await self.switchboard.reissue(caller)
        except InputError:
            await self.api.end(call)
            return False
        try:
            await self.move(call, "again")
        except (InputError, ProvisionError) as error:
            log.info("call %s is not brought back: %s", call, error.message)
            return False
        return True

    @property
    def _to(self) -> Addresses:
        return Addresses(self.switchboard)

    async def _park_and_ring(self, call: str, request: TransferRequest) -> None:
        if not request.from_number:
            raise ProvisionError(
                f"{request.target} cannot be rung: there is no number of ours to ring from",
                fix="Patter(phone_number=...), or transfer with mode='cold'",
            )
        room = f"patter-{call}-{secrets.token_hex(4)}"
        await self.move(call, "hold", room=room)
        self._humans.expect(call)
        try:
            human = await self._ring(call, room, request)
        except PatterError:
            self._humans.settle(call)
            await self.move(call, "again")
            raise
        if not self._humans.rung(call, human):
            await self._let_go(human)

    async def _ring(self, call: str, room: str, request: TransferRequest) -> str:
        told = {"call": call, "room": room, "summary": packed(request.summary)}
        order = {
            "from": request.from_number,
            "to": request.target,
            "answer_url": self._to.fixed("briefing", **told),
            "answer_method": "POST",
            "hangup_url": self._to.fixed("human", call=call),
            "hangup_method": "POST",
            "ring_timeout": request.ring_timeout_s,
        }
        answer = await self.api.post(f"call {request.target}", "Call", body=order, within_s=STEP_S)
        return str(answer.taken(_STAYS).get("request_uuid", ""))

    async def _let_go(self, human: str) -> None:
        """End the call to a human nobody waits for; a failure to is only told."""
        try:
            await self.api.end(human)
        except PatterError as error:
            log.warning("the human of a transfer is not let go: %s", error.message)

    async def _is_up(self, call: str) -> bool:
        """Does *call* still last? Who cannot tell believes so."""
        try:
            return not (await self.api.get("see the call", "Call", call, status="live")).gone
        except PatterError as error:
            log.warning("call %s may be over: %s", call, error.message)
            return True


def _room(form: Form) -> str:
    """Where caller and human meet. Raises InputError."""
    room = form.asked("room")
    if not room.startswith("patter-"):
        raise InputError("the address names no room", fix=_AS_GIVEN)
    call_uuid(room.removeprefix("patter-").rpartition("-")[0])
    return room
