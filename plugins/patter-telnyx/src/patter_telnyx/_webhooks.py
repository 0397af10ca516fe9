"""Telnyx's webhook: verified first, then read, then passed to the switchboard.

All events come to one address. They may come late, twice and out of order; an event is handled
once, and again only after that failed. Keys and playback marks come over the media socket.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias

import attrs
from aiohttp import web

from patter.carriers.bounded_dict import BoundedDict
from patter.carriers.callback_urls import media_path, webhook_path
from patter.carriers.signatures import foreign_account
from patter.carriers.vendor_api import ApiRefusal
from patter.carriers.verified_webhook import verified_body
from patter.carriers.webhooks import Replays
from patter.clock import Clock, LoopClock
from patter.errors import InputError, PatterConfigError, PatterError
from patter.providers.carrier import Answerer, Switchboard
from patter_telnyx._cost_events import CostEvents
from patter_telnyx._event import (
    CARRIER,
    VOICE,
    Event,
    answerer,
    dollars,
    ending,
    is_greeting_over,
    read_event,
)
from patter_telnyx._refusal import is_over
from patter_telnyx._rest import STEP_S, TelnyxApi
from patter_telnyx._signature import Signature
from patter_telnyx._stream_options import StreamOptions
from patter_telnyx._streams import Streams
from patter_telnyx._transfers import Transfers

log = logging.getLogger("patter.telnyx")
Handler: TypeAlias = Callable[[Event], Awaitable[None]]
MAX_EVENTS = 20_000
UNPROCESSABLE = 422


@attrs.define(eq=False, kw_only=True)
class Webhooks:
    """The webhook and the media socket of *account*. Without *signature* all are refused."""

    account: str
    signature: Signature | None = attrs.field(repr=False)
    switchboard: Switchboard
    api: TelnyxApi
    options: StreamOptions
    streams: Streams
    transfers: Transfers
    costs: CostEvents
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    replays: Replays = attrs.field(factory=Replays)
    _handled: BoundedDict[str, None] = attrs.field(
        factory=partial(BoundedDict, MAX_EVENTS), init=False, repr=False
    )
    _handlers: Mapping[str, Handler] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._handlers = {
            "call.initiated": self.initiated,
            "call.answered": self.answered,
            "call.bridged": self.bridged,
            "call.hangup": self.hangup,
            "call.speak.ended": self.spoken,
            "call.machine.detection.ended": self.detected,
            "call.machine.premium.detection.ended": self.detected,
            "call.machine.greeting.ended": self.greeting_ended,
            "call.machine.premium.greeting.ended": self.greeting_ended,
            "call.recording.saved": self.recording,
            "call.recording.error": self.unrecorded,
            "call.cost": self.cost,
            "streaming.failed": self.streams.on_failed,
        }

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhook and the media socket."""
        return [
            web.post(webhook_path(CARRIER, VOICE), self.voice),
            web.get(media_path(CARRIER), self.streams.serve),
        ]

    async def voice(self, request: web.Request) -> web.Response:
        """Any event. Telnyx asks for an answer within two seconds, and repeats it if it fails."""
        event = await self._verified(request)
        if self._is_new(event):
            try:
                await self._handle(event)
            except BaseException:
                self._handled.pop(event.event_id, None)
                raise
        return web.json_response({})

    async def initiated(self, event: Event) -> None:
        """A call has come: it is answered with where its media goes, or refused."""
        if event.text("direction") != "incoming" or event.to_human:
            return
        try:
            ticket = await self.switchboard.register(event.incoming(self.account))
        except InputError:
            return
        except PatterError as error:
            log.warning("a call is not taken: %s", error.message)
            await self._command(event, "reject", {"cause": "USER_BUSY"})
            return
        await self._answer(event, ticket.media_url)

    async def answered(self, event: Event) -> None:
        """A call is up: ours, or that to a human."""
        if event.to_human:
            await self.transfers.answered(event)
            return
        await self.switchboard.report(event.call(self.account), "answered", None)
        if event.state.unstreamed:
            await self.streams.fetch(event.call_id)

    async def bridged(self, event: Event) -> None:
        """A caller and a human are connected; only the human's leg counts."""
        if event.to_human:
            await self.transfers.bridged(event)

    async def spoken(self, event: Event) -> None:
        """A briefing is over."""
        if event.to_human and event.text("status") != "call_hangup":
            await self.transfers.after_briefing(event)

    async def hangup(self, event: Event) -> None:
        """A line is down."""
        if event.to_human:
            await self.transfers.human_gone(event)
            return
        status, outcome = ending(event.text("hangup_cause"))
        await self.switchboard.report(event.call(self.account), status, outcome)
        await self.transfers.caller_gone(event.call_id)

    async def detected(self, event: Event) -> None:
        """Who answered the call."""
        raw = event.text("result")
        await self.switchboard.detected(event.call(self.account), answerer(raw), raw=raw)

    async def greeting_ended(self, event: Event) -> None:
        """A machine's greeting is over: with its beep, with silence, or otherwise."""
        raw = event.text("result")
        if is_greeting_over(raw):
            call = event.call(self.account)
            await self.switchboard.detected(call, Answerer.MACHINE, beep=True, raw=raw)

    async def recording(self, event: Event) -> None:
        """A recording is ready."""
        if url := _first_url(event.payload):
            await self.switchboard.recording(event.call(self.account), url)

    async def unrecorded(self, event: Event) -> None:
        """A recording could not be made."""
        log.warning("call %s is not recorded: %s", event.call_id, event.text("reason")[:100])

    async def cost(self, event: Event) -> None:
        """What a call cost."""
        self.costs.report(event.call_id, dollars(event.payload))

    async def _answer(self, event: Event, media_url: str) -> None:
        """Answer with the stream; where Telnyx does not take that, without, and stream later."""
        try:
            await self._command(event, "answer", self.options.answer(media_url))
        except ApiRefusal as error:
            if self.options.is_default or error.status != UNPROCESSABLE:
                raise
            log.info("call %s is answered first, then streamed: %s", event.call_id, error.message)
            await self._command(event, "answer", self.options.later(event.call_id), once="later")

    async def _command(
        self, event: Event, action: str, params: Mapping[str, object], once: str = ""
    ) -> None:
        """Answer or refuse a call that rings, once however often its event comes."""
        try:
            await self.api.command(
                event.call_id, action, params, once=once or action, within_s=STEP_S
            )
        except ApiRefusal as error:
            if not is_over(error):
                raise

    async def _handle(self, event: Event) -> None:
        """Handle *event*. Raises what may succeed when Telnyx sends it again."""
        try:
            if (handler := self._handlers.get(event.kind)) is not None:
                await handler(event)
        except PatterError as error:
            if error.passing:
                raise
            log.error("%s of call %s: %s", event.kind, event.text("call_control_id"), error)

    async def _verified(self, request: web.Request) -> Event:
        """The event that Telnyx signed. Raises WebhookVerificationError."""
        verify = partial(self._verify, request.headers)
        event = read_event(await verified_body(request, verify, self.replays))
        if event.connection not in ("", self.account):
            raise foreign_account(
                f"connection {event.connection[:40]!r}",
                f"only calls of {self.account} are taken here: point the number to it",
            )
        return event

    def _verify(self, headers: Mapping[str, str], body: bytes) -> bytes:
        if self.signature is None:
            raise no_public_key()
        return self.signature.verify(headers, body, self.clock.wall())

    def _is_new(self, event: Event) -> bool:
        """Note *event*; False when it was handled before."""
        if not event.event_id:
            return True
        if event.event_id in self._handled:
            return False
        self._handled[event.event_id] = None
        return True


def no_public_key() -> PatterConfigError:
    """The error of every webhook while no public key is set."""
    return PatterConfigError(
        "Telnyx has no public_key, so its webhooks cannot be told from anybody's",
        fix="export TELNYX_PUBLIC_KEY",
    )


def _first_url(payload: Mapping[str, object]) -> str:
    """Where a recording is: an address that lasts, if the account has such."""
    for name in ("public_recording_urls", "recording_urls"):
        urls = payload.get(name)
        for form in ("mp3", "wav") if isinstance(urls, dict) else ():
            if isinstance(url := urls.get(form) if isinstance(urls, dict) else None, str) and url:
                return url
    return ""
