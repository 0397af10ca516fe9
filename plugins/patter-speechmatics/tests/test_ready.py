"""Getting ready: a call listens on a connection that is open already."""

from __future__ import annotations

import attrs
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_speechmatics import SpeechmaticsSTT
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.talking import CALL


@attrs.define(eq=False, kw_only=True)
class Lines(SpeechmaticsDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.path, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


async def test_a_call_goes_over_the_connection_that_is_warm() -> None:
    async with Lines().running() as double, client_pool():
        stt = double.pointed(SpeechmaticsSTT(api_key="k"))
        await stt.warm()
        async with stt.open(CALL, MULAW_8K):
            pass
    (_, warm), (path, used) = double.lines_used
    assert path == "/v2" and used == warm


async def test_getting_ready_shows_no_key_and_begins_no_session() -> None:
    async with SpeechmaticsDouble().running() as double:
        await double.pointed(SpeechmaticsSTT(api_key="k")).warm()
    assert double.received == []
    (request,) = double.requests
    assert (request.method, "Authorization" in request.headers) == ("HEAD", False)
