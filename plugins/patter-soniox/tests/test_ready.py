"""Getting ready: a call listens on a connection that is open already."""

from __future__ import annotations

import attrs
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_soniox.double import SonioxDouble
from patter_testing.talking import CALL

from .talking import ears


@attrs.define(eq=False, kw_only=True)
class Lines(SonioxDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.path, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


async def test_a_call_goes_over_the_connection_that_is_warm() -> None:
    async with Lines().running() as double, client_pool():
        provider = ears(double)
        await provider.warm()
        async with provider.open(CALL, MULAW_8K):
            pass
    (_, warm), (path, used) = double.lines_used
    assert path == "/transcribe-websocket" and used == warm
