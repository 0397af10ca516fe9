"""What Plivo tells of a call, from its ring to its end, and the call's media socket.

Nothing is remembered here but what calls cost. A webhook may come late, twice and out of
order; those that only tell are answered with nothing, those that ask with XML.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import attrs
from aiohttp import web

from patter.errors import InputError, PatterError
from patter.providers.carrier import Answerer, Switchboard
from patter.server.media_socket import media_socket
from patter_plivo import _xml
from patter_plivo._addresses import Addresses
from patter_plivo._door import NOTHING, Handler
from patter_plivo._form import UNREACHED, Form
from patter_plivo._prices import Prices
from patter_plivo._transfers import Transfers
from patter_plivo._wire import begin

log = logging.getLogger("patter.plivo")


@attrs.frozen(eq=False, kw_only=True)
class Webhooks:
    """The handlers of one line."""

    switchboard: Switchboard
    transfers: Transfers
    prices: Prices

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
            "recording": self.recording,
        }

    async def voice(self, form: Form) -> str:
        """A call has come: where its media goes, or that we are busy."""
        if form.over:
            return await self.hangup(form)
        try:
            ticket = await self.switchboard.register(form.incoming)
        except InputError as error:
            log.warning("a call goes nowhere: %s", error.message)
            return _xml.hangup()
        except PatterError as error:
            log.warning("a call is not taken: %s", error.message)
            return _xml.reject()
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
        """A machine answered, which is all Plivo ever says: nothing of people, nor of a beep."""
        who = Answerer.MACHINE if form.is_machine else Answerer.UNKNOWN
        await self.switchboard.detected(form.call, who, raw=f"Machine={form.get('Machine')}")
        return NOTHING

    async def recording(self, form: Form) -> str:
        """A recording can be fetched."""
        await self.switchboard.recording(form.caller, form.recording)
        return NOTHING

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, with one holder.

        A socket that is lost is not asked for here: Plivo asks `again` by itself.
        """
        return await media_socket(request, self.switchboard, begin)
