"""Getting ready: a call speaks on a connection that is open already."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt.double import LMNTDouble
from patter_testing.talking import CALL, say


@attrs.define(eq=False, kw_only=True)
class Lines(LMNTDouble):
    """Notes by which connection it is asked."""

    ports: list[int] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.ports.append(request.transport.get_extra_info("peername")[1])
        return super().key_in(request)


@pytest.mark.parametrize("cls", [LMNTTTS, LMNTRestTTS])
async def test_a_call_goes_over_the_connection_that_is_warm(cls: Any) -> None:
    async with Lines().running() as double, client_pool():
        provider = double.pointed(cls(api_key="k"))
        await provider.warm()
        async with provider.open(CALL, MULAW_8K) as session:
            assert await say(session, "one")
    assert len(double.ports) == 2 and len(set(double.ports)) == 1


async def test_getting_ready_shows_no_key() -> None:
    async with Lines().running() as double, client_pool():
        await double.pointed(LMNTTTS(api_key="k")).warm()
    assert double.key not in str(double.requests)
