"""Getting ready: a call speaks on a connection that is open already."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime.double import RimeDouble
from patter_testing.talking import CALL, say


@attrs.define(eq=False, kw_only=True)
class Lines(RimeDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.path, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


@pytest.mark.parametrize(("cls", "path"), [(RimeTTS, "/ws3"), (RimeRestTTS, "/v1/rime-tts")])
async def test_a_call_goes_over_the_connection_that_is_warm(cls: Any, path: str) -> None:
    async with Lines().running() as double, client_pool():
        provider = double.pointed(cls(api_key="k"))
        await provider.warm()
        async with provider.open(CALL, MULAW_8K) as session:
            await say(session, "one")
    (_, warm), (asked, used) = double.lines_used
    assert asked == path and used == warm
