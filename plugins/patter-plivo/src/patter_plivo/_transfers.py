"""Transfers: cold and warm, and fetching the caller back when nobody takes the call.

A caller is always in one place: with the agent, on hold, with a human, or gone. What a later
webhook needs stands in its address, and the switchboard knows whether the call goes on; only
who is rung for whom is kept in this process, while the caller's line is up.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

import attrs

from patter.carriers.bounded_dict import BoundedDict
from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.transfer_targets import TransferTargets
from patter.carriers.verified_webhook import FormHandler
from patter.errors import InputError, PatterError, ProvisionError
from patter.providers.carrier import CarrierCall, Switchboard, TransferRequest
from patter.providers.transfer_target import is_target
from patter_plivo import _xml
from patter_plivo._form import ANSWERED, LINE_DOWN, Form, call_uuid
from patter_plivo._packed_text import pack_text, unpack_text
from patter_plivo._rest import PlivoApi
from patter_plivo._streams import Streams

log = logging.getLogger("patter.plivo")
STEP_S = 3.0
"""How long parking the caller, ringing the human, and taking the caller back may each take: a
call waits 10 s for all of it."""
MAX_MOVES = 70
"""docs.plivo.com/docs/voice/api/call/transfer-a-call: the next one hangs up, "Loop detected"."""
MOVES_EACH = 2
"""To a human, and back."""
_ENOUGH = "transfer the caller sooner; the agent goes on with them"
_STAYS = "the caller stays with the agent: try again, or another target"
_UNCHANGED = "send the address on unchanged"


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """The transfers of one account. *hold_url* gives the XML a caller on hold hears.

    *voice* and *language* speak briefings.
    """

    api: PlivoApi
    switchboard: Switchboard
    urls: CallbackUrls
    streams: Streams
    hold_url: str = ""
    voice: str = ""
    language: str = ""
    _targets: TransferTargets = attrs.field(factory=TransferTargets, init=False)
    _moves: BoundedDict[str, int] = attrs.field(factory=BoundedDict, init=False, repr=False)

    def handlers(self) -> Mapping[str, FormHandler[Form]]:
        """The handler of each webhook."""
        return {
            "transfer": self.transfer,
            "dialling": self.dialling,
            "dialled": self.dialled,
            "hold": self.hold,
            "briefing": self.briefing,
            "conference": self.conference,
            "human": self.human,
        }

    # --- what we ask of Plivo

    async def begin(self, call: str, request: TransferRequest) -> None:
        """Start to hand the caller over. Raises PatterError; then the caller is with us."""
        self._check_moves(call)
        if request.mode == "warm":
            await self._park_and_ring(call, request)
        else:
            timeout = str(request.ring_timeout_s)
            params = {"to": request.target, "caller": request.from_number, "timeout": timeout}
            await self._leave_the_stream(call, "transfer", **params)

    async def move(self, call: str, path: str, **params: str) -> None:
        """Make Plivo ask the webhook *path* what *call* does next. Raises PatterError."""
        url = self.urls.webhook(path, **params)
        body = {"legs": "aleg", "aleg_url": url, "aleg_method": "POST"}
        # Counted before: the end of the call, which forgets it, may come before the response.
        self._moves[call] = self._moves.get(call, 0) + 1
        response = await self.api.put("move the call", "Call", call, body=body, within_s=STEP_S)
        if response.gone:
            self._moves.pop(call, None)
        response.result(_STAYS)

    async def _leave_the_stream(self, call: str, path: str, **params: str) -> None:
        await self.move(call, path, **params)
        self.streams.expect_move(call)

    def _check_moves(self, call: str) -> None:
        """Raise ProvisionError for a transfer from which Plivo would not bring the caller back."""
        if self._moves.get(call, 0) + MOVES_EACH > MAX_MOVES:
            raise ProvisionError(
                f"Plivo ends a call that is moved more than {MAX_MOVES} times", fix=_ENOUGH
            )

    def connected(self, media_url: str) -> str:
        """The XML that streams a call to *media_url*."""
        again, status = self.urls.webhook("again"), self.urls.webhook("stream")
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
        self._moves.pop(caller.carrier_call_id, None)
        if human := self._targets.remove(caller.carrier_call_id):
            await self._hang_up(human)

    # --- webhooks of cold transfers

    async def transfer(self, form: Form) -> str:
        """The caller left the stream: ring the target."""
        self.streams.moved(form.call.carrier_call_id)
        target, timeout = form.param("to"), form.param("timeout")
        if not is_target(target) or not timeout.isdecimal():
            raise InputError("the address names no target", fix=_UNCHANGED)
        call = form.call.carrier_call_id
        return _xml.dial(
            target,
            caller=form.param("caller"),
            timeout_s=int(timeout),
            done=self.urls.webhook("dialled", call=call),
            news=self.urls.webhook("dialling", call=call),
        )

    async def dialling(self, form: Form) -> None:
        """The target's call has changed; an answer means that it takes the caller."""
        if (action := form.get("DialAction")) in ANSWERED:
            await self.switchboard.transferred(form.caller, taken=True, status=action)

    async def dialled(self, form: Form) -> str:
        """The target hung up, or never came: then the transfer is over and the agent goes on."""
        caller, status = form.caller, form.get("DialStatus")
        if status == LINE_DOWN:
            await self.switchboard.transferred(caller, taken=True, status=status)
            return _xml.hangup()
        if form.over:
            await self.switchboard.report(caller, LINE_DOWN, None)
            return _xml.hangup()
        document = await self.back(caller)
        await self.switchboard.transferred(caller, taken=False, status=status or "failed")
        return document

    # --- webhooks of warm transfers

    async def hold(self, form: Form) -> str:
        """The caller left the stream: wait where the human will come."""
        self.streams.moved(form.call.carrier_call_id)
        return _xml.hold(_room(form), sound=self.hold_url)

    async def briefing(self, form: Form) -> str:
        """The human answered: say what it is about, if the caller still waits."""
        caller, room, summary = form.caller, _room(form), unpack_text(form.param("summary"))
        if not self._targets.may_connect(caller.carrier_call_id, form.call.carrier_call_id):
            return _xml.hangup()
        try:
            await self.switchboard.reissue(caller)
        except InputError:
            return _xml.hangup()
        news = self.urls.webhook("conference", call=caller.carrier_call_id)
        return _xml.brief(summary, room, news=news, voice=self.voice, language=self.language)

    async def conference(self, form: Form) -> None:
        """The human came to the caller. One who finds nobody is not left waiting."""
        if form.get("ConferenceAction") != "enter":
            return
        caller, human = form.caller, form.call.carrier_call_id
        call = caller.carrier_call_id
        if not (self._targets.may_connect(call, human) and await self._is_up(call)):
            await self._hang_up(human)
            return
        self._targets.connect(call, human)
        await self.switchboard.transferred(caller, taken=True, status="answered")

    async def human(self, form: Form) -> None:
        """The human's line is down. A caller who never met them comes back to the agent, once.

        A caller whose call is over meanwhile is not left on hold.
        """
        caller, human = form.caller, form.call.carrier_call_id
        call, targets = caller.carrier_call_id, self._targets
        if not targets.is_pending(call, human):
            return
        targets.release(call)
        try:
            back = await self._back_or_gone(caller)
        except PatterError:
            targets.restore(call, human)
            raise
        if back:
            await self.switchboard.transferred(caller, taken=False, status=form.last_status)

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

    async def _park_and_ring(self, call: str, request: TransferRequest) -> None:
        if not request.from_number:
            raise ProvisionError(
                f"{request.target} cannot be rung: there is no number of ours to ring from",
                fix="Patter(phone_number=...), or transfer with mode='cold'",
            )
        room = f"patter-{call}-{secrets.token_hex(4)}"
        # Noted first: the end of the call, which forgets it, may come before the response.
        self._targets.expect(call)
        try:
            await self._leave_the_stream(call, "hold", room=room)
        except PatterError:
            self._targets.remove(call)
            raise
        if call in self._targets:
            await self._ring_for(call, room, request)

    async def _ring_for(self, call: str, room: str, request: TransferRequest) -> None:
        """Ring the human for a caller who is on hold."""
        try:
            human = await self._ring(call, room, request)
        except PatterError:
            self._targets.release(call)
            await self.move(call, "again")
            raise
        if not self._targets.name(call, human):
            await self._hang_up(human)

    async def _ring(self, call: str, room: str, request: TransferRequest) -> str:
        params = {"call": call, "room": room, "summary": pack_text(request.summary)}
        body = {
            "from": request.from_number,
            "to": request.target,
            "answer_url": self.urls.webhook("briefing", **params),
            "answer_method": "POST",
            "hangup_url": self.urls.webhook("human", call=call),
            "hangup_method": "POST",
            "ring_timeout": request.ring_timeout_s,
        }
        what = f"call {request.target}"
        response = await self.api.post(what, "Call", body=body, within_s=STEP_S)
        return str(response.result(_STAYS).get("request_uuid", ""))

    async def _hang_up(self, human: str) -> None:
        """End the call to a human nobody waits for; a failure is only logged."""
        try:
            await self.api.end(human)
        except PatterError as error:
            log.warning("the human of a transfer is not hung up: %s", error.message)

    async def _is_up(self, call: str) -> bool:
        """Is *call* still up? Yes, when Plivo does not say."""
        try:
            return not (await self.api.get("see the call", "Call", call, status="live")).gone
        except PatterError as error:
            log.warning("call %s may be over: %s", call, error.message)
            return True


def _room(form: Form) -> str:
    """Where caller and human meet. Raises InputError."""
    room = form.param("room")
    if not room.startswith("patter-"):
        raise InputError("the address names no room", fix=_UNCHANGED)
    call_uuid(room.removeprefix("patter-").rpartition("-")[0])
    return room
