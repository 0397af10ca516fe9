"""What Twilio posts to us: verified first, then understood, then passed on.

Nothing is remembered here but signatures. A webhook may come late, twice and out of order;
those that only tell are answered 204, those that ask are answered in TwiML.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

import attrs
from aiohttp import web

from patter.errors import InputError, PatterError, WebhookVerificationError
from patter.providers.carrier import Switchboard
from patter.server.media_socket import media_socket
from patter.server.webhooks import Replays, form_fields, public_url, raw_body
from patter_twilio import _xml
from patter_twilio._addresses import ROOT, Addresses
from patter_twilio._form import TAKEN, Form, answerer, outcome
from patter_twilio._signature import Seal
from patter_twilio._transfers import Transfers
from patter_twilio._wire import begin

if TYPE_CHECKING:
    from patter_twilio.carrier import Twilio

log = logging.getLogger("patter.twilio")
Ask: TypeAlias = Callable[[Form], Awaitable[str]]
Tell: TypeAlias = Callable[[Form], Awaitable[None]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.define(eq=False, kw_only=True)
class Webhooks:
    """The webhooks and the media socket of *account*."""

    account: str
    seal: Seal = attrs.field(repr=False)
    switchboard: Switchboard
    transfers: Transfers
    replays: Replays = attrs.field(factory=Replays)

    @classmethod
    def of(cls, settings: Twilio, switchboard: Switchboard, transfers: Transfers) -> Webhooks:
        """The webhooks of *settings*."""
        seal = Seal(token=settings.auth_token, shared=settings.webhook_secret)
        return cls(
            account=settings.account, seal=seal, switchboard=switchboard, transfers=transfers
        )

    def routes(self) -> Iterable[web.RouteDef]:
        """Where they are."""
        asks: dict[str, Ask] = {
            "voice": self.voice,
            "again": self.again,
            "transferred": self.transferred,
            "held": self.held,
            "join": self.join,
        }
        tells: dict[str, Tell] = {
            "status": self.status,
            "amd": self.amd,
            "recording": self.recording,
            "taken": self.taken,
            "conference": self.conference,
            "human": self.human,
        }
        return [
            *(web.post(f"{ROOT}/{name}", self._asked(ask)) for name, ask in asks.items()),
            *(web.post(f"{ROOT}/{name}", self._told(tell)) for name, tell in tells.items()),
            web.get("/media/twilio/{token}", self.media),
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
        return await self.transfers.held_no_more(form.call, form.get("DialCallStatus"))

    async def join(self, form: Form) -> str:
        """The human of a warm transfer was told, and may talk to the caller."""
        return await self.transfers.entering(form.caller)

    async def status(self, form: Form) -> None:
        """How a call stands."""
        if not await self._down(form):
            await self.switchboard.report(form.call, form.status, None)

    async def amd(self, form: Form) -> None:
        """Who took the call."""
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
            await self.transfers.met(form.caller, event)

    async def human(self, form: Form) -> None:
        """The line to the human of a warm transfer is down."""
        if form.over:
            sid = form.call.carrier_call_id
            await self.transfers.human_gone(form.caller, sid, form.status)

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, with one holder.

        A socket that is lost is not asked for here: Twilio asks `again` by itself.
        """
        return await media_socket(request, self.switchboard, begin(self.account))

    async def _down(self, form: Form) -> bool:
        """Is the call over? Then that is reported, and nobody is rung for it any more."""
        if form.over:
            await self.switchboard.report(form.call, form.status, outcome(form.status))
            await self.transfers.caller_gone(form.call)
        return form.over

    def _connect(self, media_url: str) -> str:
        return _xml.connect(media_url, Addresses(self.switchboard).once("again"))

    def _asked(self, ask: Ask) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            twiml = await ask(await self._verified(request))
            return web.Response(text=twiml, content_type="text/xml")

        return handler

    def _told(self, tell: Tell) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            await tell(await self._verified(request))
            return web.Response(status=204)

        return handler

    async def _verified(self, request: web.Request) -> Form:
        """The form of a request that Twilio signed. Raises WebhookVerificationError."""
        body = await raw_body(request)
        url = public_url(self.switchboard.public_host, request)
        fields = form_fields(body)
        signature = self.seal.checked(url, fields, request.headers)
        self.replays.check(signature, url)
        form = Form(fields, tuple(request.query.items()))
        if form.get("AccountSid") != self.account:
            raise WebhookVerificationError(
                f"the webhook is about account {form.get('AccountSid')[:40]!r}",
                fix=f"only calls of {self.account} are taken here",
            )
        return form
