"""Twilio's webhooks: verified first, then read, then passed to the switchboard.

A webhook may come late, twice and out of order. Those that report are answered with 204, those
that ask what to do with TwiML.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from patter.carriers.callback_urls import CallbackUrls, media_path, webhook_path
from patter.carriers.media_socket import media_socket
from patter.carriers.signatures import foreign_account
from patter.carriers.verified_webhook import FormHandler, FormWebhooks, SignedForm
from patter.errors import InputError, PatterError
from patter.providers.carrier import Switchboard
from patter_twilio import _xml
from patter_twilio._form import CARRIER, TAKEN, Form, answerer, outcome
from patter_twilio._signature import Signature
from patter_twilio._transfers import Transfers
from patter_twilio._wire import begin

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

log = logging.getLogger("patter.twilio")


@attrs.frozen(eq=False, kw_only=True)
class Webhooks:
    """The webhooks and the media socket of one account."""

    settings: Twilio
    switchboard: Switchboard
    urls: CallbackUrls
    transfers: Transfers

    def routes(self) -> Iterable[web.RouteDef]:
        """Every webhook and the media socket."""
        handlers: Mapping[str, FormHandler[Form]] = {
            "voice": self.voice,
            "again": self.again,
            "transferred": self.transferred,
            "held": self.held,
            "join": self.join,
            "status": self.status,
            "amd": self.amd,
            "recording": self.recording,
            "taken": self.taken,
            "conference": self.conference,
            "human": self.human,
        }
        own = self.settings
        signature = Signature(token=own.auth_token, shared=own.webhook_secret)
        forms = FormWebhooks(switchboard=self.switchboard, signature=signature, read=self._read)
        return [
            *(forms.route(webhook_path(CARRIER, path), each) for path, each in handlers.items()),
            web.get(media_path(CARRIER), self.media),
        ]

    async def voice(self, form: Form) -> str:
        """A call has come: where its media goes, or that we are busy."""
        incoming = form.incoming
        try:
            ticket = await self.switchboard.register(incoming)
        except InputError:
            return _xml.hangup()
        except PatterError as error:
            log.warning("a call is not taken: %s", error.message)
            return _xml.reject()
        return self._connect(ticket.media_url)

    async def again(self, form: Form) -> str:
        """The media socket is gone: another, if the call goes on."""
        if await self._down(form):
            return _xml.hangup()
        try:
            ticket = await self.switchboard.reissue(form.call)
        except InputError:
            return _xml.hangup()
        return self._connect(ticket.media_url)

    async def transferred(self, form: Form) -> str:
        """A cold transfer has ended: with a talk, or with nobody."""
        status = form.get("DialCallStatus")
        if status in TAKEN:
            await self.switchboard.transferred(form.call, taken=True, status=status)
        if await self._down(form) or status in TAKEN:
            return _xml.hangup()
        return await self.transfers.back(form.call, status)

    async def held(self, form: Form) -> str:
        """The caller of a warm transfer left the conference."""
        if await self._down(form):
            return _xml.hangup()
        return await self.transfers.hold_ended(form.call, form.get("DialCallStatus"))

    async def join(self, form: Form) -> str:
        """The human of a warm transfer was briefed, and may talk to the caller."""
        return await self.transfers.entering(form.caller, form.call.carrier_call_id)

    async def status(self, form: Form) -> None:
        """A call's status changed."""
        if not await self._down(form):
            await self.switchboard.report(form.call, form.status, None)

    async def amd(self, form: Form) -> None:
        """Who answered the call."""
        raw = form.get("AnsweredBy")
        who, beep = answerer(raw)
        await self.switchboard.detected(form.call, who, beep=beep, raw=raw)

    async def recording(self, form: Form) -> None:
        """A recording is ready, or there is none."""
        if form.get("RecordingStatus") == "completed":
            await self.switchboard.recording(form.call, form.get("RecordingUrl"))
        else:
            log.warning("recording %s: %s", form.get("CallSid"), form.get("RecordingStatus"))

    async def taken(self, form: Form) -> None:
        """The target of a cold transfer answered."""
        if form.status == "in-progress":
            await self.switchboard.transferred(form.caller, taken=True, status=form.status)

    async def conference(self, form: Form) -> None:
        """The human of a warm transfer has joined the caller."""
        if (event := form.get("StatusCallbackEvent")) == "conference-start":
            await self.transfers.connect(form.caller, event)

    async def human(self, form: Form) -> None:
        """The line to the human of a warm transfer is down."""
        if form.over:
            sid = form.call.carrier_call_id
            await self.transfers.human_gone(form.caller, sid, form.status)

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, with one holder.

        A socket that is lost is not asked for here: Twilio asks `again` by itself.
        """
        return await media_socket(request, self.switchboard, begin(self.settings.account_sid))

    async def _down(self, form: Form) -> bool:
        """Is the call over? Then report that, and stop ringing a human for it."""
        if form.over:
            await self.switchboard.report(form.call, form.status, outcome(form.status))
            await self.transfers.caller_gone(form.call)
        return form.over

    def _connect(self, media_url: str) -> str:
        return _xml.connect(media_url, self.urls.unique("again"))

    def _read(self, signed: SignedForm) -> Form:
        """A form about our account. Raises WebhookVerificationError."""
        form, own = Form(signed.fields, signed.query), self.settings.account_sid
        if (account := form.get("AccountSid")) != own:
            fix = f"only calls of {own} are taken here"
            raise foreign_account(f"account {account[:40]!r}", fix)
        return form
