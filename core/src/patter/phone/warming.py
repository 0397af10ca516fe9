"""What providers need is loaded once the phone takes calls, and before the first one.

Libraries of vendors take up to seconds to import. Nobody waits for that: the port is open by
then, and a call that comes meanwhile waits for what it needs itself.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from patter.aio import task_scope
from patter.client_pool import client_pool
from patter.egress.policy import EgressPolicy
from patter.parts import AgentParts
from patter.providers.warmth import warmed


@asynccontextmanager
async def warming(parts: AgentParts, freeze: bool) -> AsyncIterator[None]:
    """Get the providers of *parts* ready beside what is inside; *freeze*: keep the collector off.

    What was imported lives as long as the process, so no collection need look at it.
    """
    async with task_scope() as tasks:
        getting_ready = tasks.create_task(_warm(parts, freeze), name="warm-providers")
        try:
            yield
        finally:
            getting_ready.cancel()


async def _warm(parts: AgentParts, freeze: bool) -> None:
    speech = (*parts.stt_candidates, *parts.tts_candidates, *parts.engine_candidates)
    for provider in (*speech, parts.llm, parts.audio_filter, *parts.guardrails):
        await warmed(provider)
    await _warm_egress()
    if freeze:
        gc.freeze()


async def _warm_egress() -> None:
    """Make the client of webhooks and remote brains: a call that makes one holds up the others."""
    from patter.egress.client import egress_client

    async with client_pool() as pool:
        egress_client(pool, EgressPolicy.of())
