"""Getting ready: a call asks over connections that are open already."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from aiohttp import web

from patter.audio.formats import PCM16_8K
from patter.client_pool import client_pool
from patter_groq import GroqLLM, GroqWhisperSTT
from patter_groq.double import GroqDouble
from patter_testing.fakes.tts import spoken

from .asking import ASK, CALL


@attrs.define(eq=False, kw_only=True)
class Lines(GroqDouble):
    """Notes by which connection each path is asked for."""

    lines_used: list[tuple[str, int]] = attrs.field(factory=list, init=False)

    def key_in(self, request: web.Request) -> str:
        assert request.transport is not None
        self.lines_used.append((request.method, request.transport.get_extra_info("peername")[1]))
        return super().key_in(request)


async def ask(model: Any) -> None:
    async for _ in model.stream(ASK):
        pass


async def listen(stt: Any) -> None:
    async with stt.open(CALL, PCM16_8K) as session:
        await session.send(spoken("a table", PCM16_8K))
        await session.finalize()
        async for _ in session:
            return


@pytest.mark.parametrize(
    ("provider", "use"), [(GroqLLM(api_key="k"), ask), (GroqWhisperSTT(api_key="k"), listen)]
)
async def test_a_call_goes_over_the_connection_that_is_warm(provider: Any, use: Any) -> None:
    async with Lines().running() as double, client_pool():
        pointed = double.pointed(provider)
        await pointed.warm()
        await use(pointed)
    assert double.lines_used[0][0] == "HEAD" and double.lines_used[-1][0] == "POST"
    assert len({line for _, line in double.lines_used}) == 1
