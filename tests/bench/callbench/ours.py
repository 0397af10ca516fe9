"""Patter as it is measured: its server and its call sessions, the vendors as providers.

The recogniser ends turns, so no voice detector runs; no record is kept and nothing listens,
unless *told* asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from callbench import script, vendor_client
from callbench.carrier import BenchCarrier
from callbench.providers import BenchLLM, BenchSTT, BenchTTS
from callbench.stand import Stand
from patter import PluginRegistry
from patter.agent import Agent
from patter.call.session import CallSession
from patter.providers.carrier import Carrier
from patter.providers.context import CallContext
from patter.server.admission import Limits
from patter.server.app import Server

LIMITS = Limits(calls=1_000, open_requests=1_000, requests_per_s=1_000.0, burst=1_000)


@asynccontextmanager
async def serving(vendors: str) -> AsyncIterator[Stand]:
    """Serve calls of a carrier that adds nothing of its own."""
    async with served(vendors, BenchCarrier(), Server(port=0, limits=LIMITS)) as port:
        yield Stand(port)


@asynccontextmanager
async def served(
    vendors: str,
    carrier: Carrier,
    settings: Server,
    told: Callable[[CallSession], None] = lambda _: None,
) -> AsyncIterator[int]:
    """Serve calls of *carrier*; the port. *told* is given every session before it runs."""
    registry = PluginRegistry.from_environment({}, source=())
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
            line = here.line(carrier.name)
            session = CallSession(plan=plan, call=call, carrier=line, extensions=registry)
            told(session)
            return session

        async with settings.open(start, carriers=[carrier], extensions=registry) as here:
            yield here.port
