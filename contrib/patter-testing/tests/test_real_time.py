"""A model with real sockets answers a call in virtual time, and costs it none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import attrs
import pytest
from aiohttp import web

from patter import Agent
from patter.client_pool import client_pool
from patter.errors import PatterError, PatterTimeoutError, ProviderError
from patter.providers.context import CallContext
from patter.providers.llm import DoneChunk, LLMChunk, LLMRequest, Message, TextChunk
from patter_testing import FakeLLM, FakeSTT, FakeTTS, RealTimeLLM, Reply, lab, run_virtual

REQUEST = LLMRequest(messages=(Message("user", "hi"),), call=CallContext(call_id="c"))


@attrs.frozen
class NetworkLLM:
    """Fetches its answer from a server on this machine."""

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        async def answer(_: web.Request) -> web.Response:
            await asyncio.sleep(0.05)
            return web.Response(text="From the network.")

        app = web.Application()
        app.add_routes([web.get("/", answer)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with client_pool() as pool, pool.http.get(f"http://127.0.0.1:{port}/") as got:
                yield TextChunk(await got.text())
        finally:
            await runner.cleanup()
        yield DoneChunk()


def agent(llm: Any) -> Agent:
    return Agent(system_prompt="Be brief.", stt=FakeSTT(), llm=llm, tts=FakeTTS())


def test_a_network_model_answers_on_a_virtual_loop() -> None:
    async def talks() -> tuple[str, int | None]:
        async with lab(agent(NetworkLLM()), real_model=True) as call:
            heard = await call.says("hello there")
        assert call.summary is not None
        return heard, call.summary.gap_p50_ms

    heard, gap_ms = run_virtual(talks())
    assert heard == "From the network."
    assert gap_ms is not None
    assert gap_ms <= 1_000


async def collected(llm: RealTimeLLM) -> list[LLMChunk]:
    return [chunk async for chunk in llm.stream(REQUEST)]


def test_its_failures_and_silences_are_its_own() -> None:
    broken = FakeLLM(replies=(Reply(text="a b", fails=ProviderError("x", fix="y"), fails_after=1),))
    with pytest.raises(ProviderError, match="x"):
        run_virtual(collected(RealTimeLLM(llm=broken)))
    silent = FakeLLM(replies=(Reply(silent=True),))
    with pytest.raises(PatterTimeoutError):
        run_virtual(collected(RealTimeLLM(llm=silent, within_s=0.05)))
    assert issubclass(PatterTimeoutError, PatterError)


def test_who_stops_listening_ends_the_request() -> None:
    ended = threading.Event()

    @attrs.frozen
    class Endless:
        async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
            try:
                while True:
                    yield TextChunk("more ")
                    await asyncio.sleep(0.001)
            finally:
                ended.set()

    async def listens_once() -> LLMChunk:
        async with aclosing(RealTimeLLM(llm=Endless()).stream(REQUEST)) as chunks:  # type: ignore[type-var]
            return await anext(chunks)

    assert run_virtual(listens_once()) == TextChunk("more ")
    assert ended.wait(2)
