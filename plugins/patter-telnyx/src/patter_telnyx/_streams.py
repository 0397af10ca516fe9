"""The media sockets of one account, and asking for another when one is lost.

A stream may be asked for again from two sides at once; the caller's token has one holder, so
a stream too many finds no call and ends.
"""

from __future__ import annotations

import logging

import attrs
from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.carriers.bounded_dict import BoundedDict
from patter.carriers.media_frames import Body, MediaFrames
from patter.carriers.media_socket import SocketLeg, media_socket
from patter.carriers.vendor_api import ApiRefusal
from patter.errors import InputError, PatterError
from patter.providers.carrier import CarrierCall, Switchboard
from patter_telnyx._event import CARRIER, Event
from patter_telnyx._refusal import is_over
from patter_telnyx._rest import STEP_S, TelnyxApi
from patter_telnyx._state import ClientState
from patter_telnyx._stream_options import StreamOptions
from patter_telnyx._wire import MediaStream, begin

log = logging.getLogger("patter.telnyx")
MAX_FAILED = 3
"""How many streams of a call may be broken, as Telnyx says: another would not be better."""


@attrs.define(eq=False, kw_only=True)
class Streams:
    """Streams in *audio*. Callers who are being transferred are away: nobody fetches them."""

    api: TelnyxApi
    switchboard: Switchboard
    account: str
    options: StreamOptions
    audio: AudioFormat
    big_endian: bool = False
    _open: set[MediaStream] = attrs.field(factory=set, init=False, repr=False)
    _away: BoundedDict[str, None] = attrs.field(factory=BoundedDict, init=False, repr=False)
    _failed: BoundedDict[str, int] = attrs.field(factory=BoundedDict, init=False, repr=False)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, one holder."""
        take = begin(self.audio, big_endian=self.big_endian)
        streams: list[MediaStream] = []

        def note(body: Body) -> MediaFrames | None:
            if (stream := take(body)) is not None:
                streams.append(stream)
                self._open.add(stream)
            return stream

        try:
            return await media_socket(request, self.switchboard, note, self._on_lost)
        finally:
            self._open.difference_update(streams)

    def leave(self, call_id: str) -> None:
        """The caller is being transferred."""
        self._away[call_id] = None

    def stay(self, call_id: str) -> None:
        """The transfer is over: the agent has the caller again, or nobody has."""
        self._away.pop(call_id, None)

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self.stay(call_id)
        self._failed.pop(call_id, None)

    def is_away(self, call_id: str) -> bool:
        """Is the caller being transferred?"""
        return call_id in self._away

    async def fetch(self, call_id: str) -> bool:
        """Have a call's media here, asking Telnyx for it if need be; False: the call is over.

        Raises PatterError.
        """
        try:
            ticket = await self.switchboard.reissue(CarrierCall(CARRIER, call_id, self.account))
            if not self._is_here(call_id):
                await self._start(call_id, ticket.media_url)
        except InputError:
            return False
        except ApiRefusal as error:
            if is_over(error):
                return False
            # Another process may have its media, where we cannot see it.
            log.warning("call %s: Telnyx starts no stream: %s", call_id, error.message)
        return True

    async def on_failed(self, event: Event) -> None:
        """Telnyx could not open or keep a stream: it is asked for another, once."""
        reason = event.text("failure_reason")
        log.warning("call %s: its stream failed: %s", event.call_id, reason[:100])
        if not event.state.again and not self.is_away(event.call_id):
            await self.fetch(event.call_id)

    async def stop(self, call_id: str) -> None:
        """No more media of a call, from Telnyx's side. A refusal is only logged."""
        try:
            await self.api.command(call_id, "streaming_stop", within_s=STEP_S)
        except PatterError as error:
            log.info("call %s: its stream was not stopped: %s", call_id, error.message)

    def _is_here(self, call_id: str) -> bool:
        return any(s.carrier_call_id == call_id and not s.stopped for s in self._open)

    async def _start(self, call_id: str, media_url: str) -> None:
        state = ClientState(call=call_id, again=True)
        await self.api.command(
            call_id,
            "streaming_start",
            {**self.options.to(media_url), "client_state": str(state)},
            within_s=STEP_S,
        )

    async def _on_lost(self, leg: SocketLeg) -> None:
        call_id = leg.frames.carrier_call_id
        self._open.difference_update([each for each in self._open if each is leg.frames])
        if self.is_away(call_id) or (leg.failed and self._is_hopeless(call_id)):
            return
        if leg.failed:
            await self.stop(call_id)
        try:
            if not await self.fetch(call_id):
                self._failed.pop(call_id, None)
        except PatterError as error:
            log.error("call %s: its media is lost: %s", call_id, error.message)

    def _is_hopeless(self, call_id: str) -> bool:
        """Count a broken stream of the call; True when there were too many."""
        self._failed[call_id] = count = self._failed.get(call_id, 0) + 1
        if count > MAX_FAILED:
            log.error("call %s: %d streams were broken, none is asked for again", call_id, count)
        return count > MAX_FAILED
