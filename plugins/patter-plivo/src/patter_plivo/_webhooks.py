"""Plivo's webhooks about a call, from its ring to its end, and the call's media socket.

A webhook may come late, twice and out of order. Those that report are answered with nothing,
those that ask what to do with XML.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import attrs

from patter.carriers.call_prices import CallPrices
from patter.carriers.callback_urls import CallbackUrls
from patter.carriers.verified_webhook import FormHandler
from patter.errors import InputError, PatterError
from patter.providers.carrier import Answerer, Switchboard
from patter_plivo import _xml
from patter_plivo._form import UNREACHED, Form
from patter_plivo._transfers import Transfers

log = logging.getLogger("patter.plivo")
TROUBLE = {
    "DroppedStream": "Plivo lost its stream",
    "DegradedStream": "the media socket is too slow, Plivo buffers the caller's audio",
}
"""Events of a stream that are trouble: docs.plivo.com/docs/voice/audio-streaming/best-practices."""


@attrs.frozen(eq=False, kw_only=True)
class Webhooks:
    """The handlers of one line."""

    switchboard: Switchboard
    urls: CallbackUrls
    transfers: Transfers
    prices: CallPrices

    def handlers(self) -> Mapping[str, FormHandler[Form]]:
        """The handler of each webhook."""
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

    async def voice(self, form: Form) -> str | None:
        """A call has come: where its media goes, or that we are busy."""
        if form.over:
            await self.hangup(form)
            return None
        try:
            ticket = await self.switchboard.register(form.incoming)
        except InputError as error:
            log.warning("a call goes nowhere: %s", error.message)
            return _xml.hangup()
        except PatterError as error:
            log.warning("a call is not taken: %s", error.message)
            return _xml.reject()
        return self.transfers.connected(ticket.media_url)

    async def answer(self, form: Form) -> str | None:
        """A call we placed was answered; its address names its media."""
        if form.over:
            await self.hangup(form)
            return None
        if not (token := form.param("token")):
            raise InputError("the address has no token", fix="send it on unchanged")
        return self.transfers.connected(self.urls.media(token))

    async def ring(self, form: Form) -> None:
        """A call we placed rings."""
        await self.switchboard.report(form.call, "ringing", None)

    async def hangup(self, form: Form) -> None:
        """The line is down, or never came up."""
        call, status = form.call, form.last_status
        if form.cost is not None:
            self.prices.report(call.carrier_call_id, form.cost)
        await self.switchboard.report(call, status, UNREACHED.get(status))
        await self.transfers.caller_gone(call)

    async def again(self, form: Form) -> str | None:
        """A stream has ended and the call goes on: so does its media, unless we are done."""
        if form.over:
            await self.hangup(form)
            return None
        return await self.transfers.back(form.call)

    async def stream(self, form: Form) -> None:
        """A stream began, stopped or was dropped; what follows, `again` is asked."""
        if (warning := TROUBLE.get(form.get("Event"))) is not None:
            log.warning("call %s: %s", form.call.carrier_call_id, warning)

    async def machine(self, form: Form) -> None:
        """A machine answered; Plivo reports neither people nor a beep."""
        who = Answerer.MACHINE if form.is_machine else Answerer.UNKNOWN
        await self.switchboard.detected(form.call, who, raw=f"Machine={form.get('Machine')}")

    async def recording(self, form: Form) -> None:
        """A recording can be fetched."""
        await self.switchboard.recording(form.caller, form.recording)
