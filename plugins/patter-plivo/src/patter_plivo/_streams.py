"""The media sockets of one account, and ending a stream that keeps its call from moving on.

With ``keepCallAlive`` a stream runs alone, and whether it ends for a call that is told to go
elsewhere, Plivo's pages do not say; some integrations had to end it. So a stream that still
holds its call a moment after the order is stopped, at Plivo and then here.
Source: docs.plivo.com/docs/voice/xml/stream; plivo 4.63, `Calls.delete_all_streams`.
"""

from __future__ import annotations

import asyncio
import logging

import attrs
from aiohttp import web

from patter.carriers.bounded_dict import BoundedDict
from patter.carriers.media_socket import SocketLeg, media_socket
from patter.errors import PatterError
from patter.providers.carrier import Switchboard
from patter_plivo._rest import PlivoApi
from patter_plivo._wire import begin

log = logging.getLogger("patter.plivo")
MOMENT_S = 0.5
"""How long Plivo may take to ask what a call does next, before its stream is in the way."""


@attrs.define(eq=False, kw_only=True)
class Streams:
    """The streams that are open in this process. *tasks* live as long as the line."""

    api: PlivoApi
    switchboard: Switchboard
    tasks: asyncio.TaskGroup
    _legs: set[SocketLeg] = attrs.field(factory=set, init=False, repr=False)
    _moves: BoundedDict[str, asyncio.Event] = attrs.field(
        factory=BoundedDict, init=False, repr=False
    )
    _ending: set[asyncio.Task[None]] = attrs.field(factory=set, init=False, repr=False)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A call's media. Its token is proof enough: signed, bound to the call, with one holder.

        A socket that is lost is not asked for here: Plivo opens it again, or asks what follows.
        """
        return await media_socket(request, self.switchboard, begin, legs=self._legs)

    def expect_move(self, call: str) -> None:
        """Plivo has accepted that *call* goes elsewhere; see that it does."""
        arrival = self._moves[call] = asyncio.Event()
        legs = [leg for leg in self._legs if leg.frames.carrier_call_id == call]
        ending = self.tasks.create_task(self._make_way(call, arrival, legs), name="plivo-move")
        self._ending.add(ending)

        def done(_: object) -> None:
            self._ending.discard(ending)
            if self._moves.get(call) is arrival:
                del self._moves[call]

        ending.add_done_callback(done)

    def moved(self, call: str) -> None:
        """Plivo asked what *call* does elsewhere."""
        if (arrival := self._moves.pop(call, None)) is not None:
            arrival.set()

    def stop(self) -> None:
        """The line is closed."""
        for ending in tuple(self._ending):
            ending.cancel()

    async def _make_way(self, call: str, arrival: asyncio.Event, legs: list[SocketLeg]) -> None:
        if await _within_a_moment(arrival):
            return
        try:
            await self.api.stop_streams(call)
        except PatterError as error:
            log.warning("call %s: its stream is not stopped: %s", call, error.message)
        if await _within_a_moment(arrival):
            return
        for leg in self._legs.intersection(legs):
            await leg.close()


async def _within_a_moment(happened: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(MOMENT_S):
            await happened.wait()
    except TimeoutError:
        return False
    return True
