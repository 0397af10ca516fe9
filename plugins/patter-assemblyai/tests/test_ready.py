"""Getting ready: a call listens on a connection that is open already."""

from __future__ import annotations

import attrs
import pytest
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.talking import CALL

from .talking import ears


@attrs.define(eq=False, kw_only=True)
class Lines(AssemblyAIDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.path, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


@pytest.mark.parametrize("tokens", [False, True])
async def test_a_call_goes_over_the_connection_that_is_warm(tokens: bool) -> None:
    async with Lines().running() as double, client_pool():
        settings = ears(double, use_query_token=tokens)
        await settings.warm()
        async with settings.open(CALL, MULAW_8K):
            pass
    paths = ["/", "/v3/token", "/v3/ws"] if tokens else ["/", "/v3/ws"]
    assert [path for path, _ in double.lines_used] == paths
    assert len({line for _, line in double.lines_used}) == 1
