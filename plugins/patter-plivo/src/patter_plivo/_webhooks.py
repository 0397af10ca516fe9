"""What Plivo tells of a call, from its ring to its end, and the call's media socket.

Nothing is remembered here but what calls cost. A webhook may come late, twice and out of
order; those that only tell are answered with nothing, those that ask with XML.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import attrs
from aiohttp import web

from patter.errors import InputError, PatterError, RateLimitError
from patter.providers.carrier import Answerer, Switchboard
from patter.server.media_socket import Body, media_socket
from patter_plivo import _xml
from patter_plivo._addresses import Addresses
from patter_plivo._door import NOTHING, Handler
from patter_plivo._form import UNREACHED, Form
from patter_plivo._moves import Moves
from patter_plivo._prices import Prices
from patter_plivo._transfers import Transfers
from patter_plivo._wire import MediaStream, begin

log = logging.getLogger("patter.plivo")


@attrs.frozen(eq=False, kw_only=True)
class Webhooks:
    """The handlers of one line."""

    switchboard: Switchboard
    transfers: Transfers
    moves: Moves
    prices: Prices
    silence_ms: int

    def handlers(self) -> Mapping[str, Handler]:
        """What answers which webhook."""
        return {
            "voice": self.voice,
            "answer": self.answer,
            "ring": self.ring,
            "hangup": self.hangup,
            "again": self.again,
            "stream": self.stream,
            "machine": self.machine,
            "greeting": self.greeting,
            "recording": self.recording,
        }

    async def voice(self, form: Form) -> str:
        """A call has come: where its media goes, or that we are busy."""
        if form.over:
            return await self.hangup(form)
        try:
            ticket = await self.switchboard.ring(form.incoming)
        except RateLimitError as error:
            log.warning("a call is not taken: %s", error.message)
            return _xml.reject()
        except InputError as error:
            log.warning("a call goes nowhere: %s", error.message)
            return _xml.hangup()
        return self.transfers.connected(ticket.media_url)

    async def answer(self, form: Form) -> str:
        """A call we placed was answered; its address names its media."""
        if form.over:
            return await self.hangup(form)
        if not (token := form.asked("token")):
            raise InputError("the address has no token", fix="send it on as it was given")
        return self.transfers.connected(Addresses(self.switchboard).media(token))

    async def ring(self, form: Form) -> str:
        """A call we placed rings."""
        await self.switchboard.report(form.call, "ringing", None)
        return NOTHING

    async def hangup(self, form: Form) -> str:
        """The line is down, or never came up."""
        call, status = form.call, form.last_status
        if form.cost is not None:
            self.prices.told(call.carrier_call_id, form.cost)
        self.moves.back(call.carrier_call_id)
        await self.switchboard.report(call, status, UNREACHED.get(status))
        await self.transfers.caller_gone(call)
        return NOTHING

    async def again(self, form: Form) -> str:
        """A stream has ended and the call goes on: so does its media, unless we are done."""
        if form.over:
            return await self.hangup(form)
        return await self.transfers.back(form.call)

    async def stream(self, form: Form) -> str:
        """A stream began, stopped or was dropped; what follows, `again` is asked."""
        if form.get("Event") == "DroppedStream":
            log.warning("Plivo lost the stream of call %s", form.call.carrier_call_id)
        return NOTHING

    async def machine(self, form: Form) -> str:
        """A machine answered. Plivo does not tell when its greeting ends, but can wait for it.

        It does so off the stream: the call is moved there, and comes back when it is silent.
        """
        call = form.call
        if not form.is_machine:
            await self.switchboard.detected(call, Answerer.UNKNOWN, raw=form.get("Machine"))
            return NOTHING
        await self.switchboard.detected(call, Answerer.MACHINE, raw="Machine=true")
        try:
            await self.switchboard.again(call)
            await self.transfers.move(call.carrier_call_id, "greeting")
        except PatterError as error:
            log.warning("call %s hears no greeting out: %s", call.carrier_call_id, error.message)
        return NOTHING

    async def greeting(self, form: Form) -> str:
        """The call left the stream to hear a greeting out; when that is *over*, it comes back."""
        if form.over:
            return await self.hangup(form)
        if not form.asked("over"):
            then = Addresses(self.switchboard).fixed("greeting", over="1")
            return _xml.await_silence(self.silence_ms, then=then)
        answer = await self.transfers.back(form.call)
        await self.switchboard.detected(form.call, Answerer.MACHINE, beep=True, raw="silence")
        return answer

    async def recording(self, form: Form) -> str:
        """A recording can be fetched."""
        await self.switchboard.recording(form.caller, form.recording)
        return NOTHING

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, with one holder.

        A socket that is lost is not asked for here: Plivo asks `again` by itself.
        """
        take = begin(self.moves.__contains__)

        def began(body: Body) -> MediaStream | None:
            if (stream := take(body)) is not None:
                self.moves.back(stream.carrier_call_id)
            return stream

        return await media_socket(request, self.switchboard, began)
