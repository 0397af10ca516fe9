"""Patter as it is measured: its server and its call sessions, the vendors as providers.

The recogniser ends turns, so no voice detector runs; no record is kept and nothing listens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callbench import script, vendor_client
from callbench.carrier import BenchCarrier
from callbench.providers import BenchLLM, BenchSTT, BenchTTS
from patter import Registry
from patter.agent import Agent
from patter.call.session import CallSession
from patter.providers.context import CallContext
from patter.server.admission import Limits
from patter.server.app import Server

LIMITS = Limits(calls=1_000, visits=1_000, requests_per_s=1_000.0, burst=1_000)


@asynccontextmanager
async def serving(vendors: str) -> AsyncIterator[int]:
    """Serve calls; the port."""
    registry = Registry.from_environment({}, source=())
    carrier = BenchCarrier()
    async with vendor_client.http_client() as client:
        agent = Agent(
            system_prompt=script.PROMPT,
            disable_phone_preamble=True,
            stt=BenchSTT(client, vendors),
            llm=BenchLLM(client, vendors),
            tts=BenchTTS(client, vendors),
            vad="none",
            idle_ms=(),
        )
        plan = agent.plan(registry)

        def start(call: CallContext) -> CallSession:
            line = served.line(carrier.name)
            return CallSession(plan=plan, call=call, carrier=line, extensions=registry)

        server = Server(port=0, limits=LIMITS)
        async with server.open(start, carriers=[carrier], extensions=registry) as served:
            yield served.port
