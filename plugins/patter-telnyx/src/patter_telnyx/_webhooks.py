"""What Telnyx posts to us: verified first, then understood, then passed on.

One address for all events. They may come late, twice and out of order; an event is taken once,
and again only after it could not be acted on. Keys, playback and the like come by other ways.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

import attrs
from aiohttp import web

from patter.clock import Clock, LoopClock
from patter.errors import (
    InputError,
    PatterConfigError,
    PatterError,
    WebhookVerificationError,
)
from patter.providers.carrier import Answerer, Switchboard
from patter.server.webhooks import Replays, raw_body
from patter_telnyx._addresses import MEDIA, VOICE, Addresses
from patter_telnyx._costs import Costs
from patter_telnyx._event import Event, answerer, dollars, ending, greeted, read_event
from patter_telnyx._refusal import Refused
from patter_telnyx._rest import STEP_S, TelnyxApi
from patter_telnyx._signature import Seal
from patter_telnyx._streams import Streams
from patter_telnyx._transfers import Transfers

log = logging.getLogger("patter.telnyx")
Take: TypeAlias = Callable[[Event], Awaitable[None]]
REMEMBERED = 20_000


@attrs.define(eq=False, kw_only=True)
class Webhooks:
    """The webhook and the media socket of *account*. Without *seal* nobody is believed."""

    account: str
    seal: Seal | None = attrs.field(repr=False)
    switchboard: Switchboard
    api: TelnyxApi
    to: Addresses
    streams: Streams
    transfers: Transfers
    costs: Costs
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    replays: Replays = attrs.field(factory=Replays)
    _taken: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False, repr=False)
    _takes: Mapping[str, Take] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._takes = {
            "call.initiated": self.initiated,
            "call.answered": self.answered,
            "call.bridged": self.bridged,
            "call.hangup": self.hangup,
            "call.speak.ended": self.spoken,
            "call.machine.detection.ended": self.detected,
            "call.machine.premium.detection.ended": self.detected,
            "call.machine.greeting.ended": self.greeted,
            "call.machine.premium.greeting.ended": self.greeted,
            "call.recording.saved": self.recording,
            "call.recording.error": self.unrecorded,
            "call.cost": self.cost,
            "streaming.failed": self.streams.failed,
        }

    def routes(self) -> Iterable[web.RouteDef]:
        """Where they are."""
        return [web.post(VOICE, self.voice), web.get(MEDIA, self.streams.serve)]

    async def voice(self, request: web.Request) -> web.Response:
        """Any event. Telnyx asks for an answer within two seconds, and repeats it if it fails."""
        event = await self._verified(request)
        if self._is_new(event):
            try:
                await self._act(event)
            except BaseException:
                self._taken.pop(event.event_id, None)
                raise
        return web.json_response({})

    async def initiated(self, event: Event) -> None:
        """A call has come: it is answered with where its media goes, or refused."""
        if event.text("direction") != "incoming" or event.handed:
            return
        try:
            ticket = await self.switchboard.register(event.incoming(self.account))
        except InputError:
            return
        except PatterError as error:
            log.warning("a call is not taken: %s", error.message)
            await self._order(event, "reject", {"cause": "USER_BUSY"})
            return
        await self._order(event, "answer", self.to.answering(event.call_id, ticket.media_url))

    async def answered(self, event: Event) -> None:
        """A call is up: ours, or that to a human."""
        if event.handed:
            await self.transfers.answered(event)
            return
        await self.switchboard.report(event.call(self.account), "answered", None)
        if event.state.unstreamed:
            await self.streams.fetch(event.call_id)

    async def bridged(self, event: Event) -> None:
        """A caller and a human are connected; only the human's leg counts."""
        if event.handed:
            await self.transfers.bridged(event)

    async def spoken(self, event: Event) -> None:
        """A briefing is over."""
        if event.handed and event.text("status") != "call_hangup":
            await self.transfers.briefed(event)

    async def hangup(self, event: Event) -> None:
        """A line is down."""
        if event.handed:
            await self.transfers.human_gone(event)
            return
        status, outcome = ending(event.text("hangup_cause"))
        await self.switchboard.report(event.call(self.account), status, outcome)
        await self.transfers.caller_gone(event.call_id)

    async def detected(self, event: Event) -> None:
        """Who took the call."""
        raw = event.text("result")
        await self.switchboard.detected(event.call(self.account), answerer(raw), raw=raw)

    async def greeted(self, event: Event) -> None:
        """A machine's greeting is over: with its beep, with silence, or otherwise."""
        raw = event.text("result")
        if greeted(raw):
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
        self.costs.tell(event.call_id, dollars(event.payload))

    async def _order(self, event: Event, action: str, told: Mapping[str, object]) -> None:
        """Answer or refuse a call that rings, once however often its event comes."""
        try:
            await self.api.order(event.call_id, action, told, once=action, within_s=STEP_S)
        except Refused as error:
            if not error.over:
                raise

    async def _act(self, event: Event) -> None:
        """Do what *event* asks for. Raises what may go better when Telnyx tries again."""
        try:
            if (take := self._takes.get(event.kind)) is not None:
                await take(event)
        except PatterError as error:
            if error.passing:
                raise
            log.error("%s of call %s: %s", event.kind, event.text("call_control_id"), error)

    async def _verified(self, request: web.Request) -> Event:
        """The event that Telnyx signed. Raises WebhookVerificationError."""
        body = await raw_body(request)
        if self.seal is None:
            raise no_public_key()
        signature = self.seal.checked(request.headers, body, self.clock.wall())
        self.replays.check(signature)
        event = read_event(body)
        if event.connection not in ("", self.account):
            raise WebhookVerificationError(
                f"the webhook is about connection {event.connection[:40]!r}",
                fix=f"only calls of {self.account} are taken here: point the number to it",
            )
        return event

    def _is_new(self, event: Event) -> bool:
        """Take note of *event*; False when it was taken before."""
        if not event.event_id:
            return True
        if event.event_id in self._taken:
            return False
        self._taken[event.event_id] = None
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        return True


def no_public_key() -> PatterConfigError:
    """Why no webhook can be believed."""
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
