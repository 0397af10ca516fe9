"""Getting ready: a call listens and speaks on connections that are open already."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter.audio.formats import MULAW_8K
from patter.client_pool import client_pool
from patter_cartesia import CartesiaSTT, CartesiaTTS, CartesiaTurnsSTT
from patter_cartesia.double import CartesiaDouble
from patter_testing.talking import CALL


@attrs.define(eq=False, kw_only=True)
class Lines(CartesiaDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.path, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


@pytest.mark.parametrize("cls", [CartesiaSTT, CartesiaTurnsSTT, CartesiaTTS])
async def test_a_call_goes_over_the_connection_that_is_warm(cls: Any) -> None:
    async with Lines().running() as double, client_pool():
        provider = double.pointed(cls(api_key="k"))
        await provider.warm()
        async with provider.open(CALL, MULAW_8K):
            pass
    (asked, warm), (path, used) = double.lines_used
    assert asked.startswith("/voices") and path.endswith("/websocket")
    assert used == warm


async def test_ears_and_voice_have_a_connection_each() -> None:
    async with Lines().running() as double, client_pool():
        ears, voice = (double.pointed(cls(api_key="k")) for cls in (CartesiaSTT, CartesiaTTS))
        await asyncio.gather(ears.warm(), voice.warm())
        async with ears.open(CALL, MULAW_8K), voice.open(CALL, MULAW_8K):
            pass
    assert len({line for _, line in double.lines_used}) == 2
