"""How long does a model's stream take by the SDK's own method, and by ours? Prints two lines.

Exits 1 when the way we take is over its budget. The server is in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message
from patter_openai import OpenAILLM
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel

BUDGET_FIRST_MS = 10.0
ROUNDS, WARM_UP = 100, 10
WORDS = " ".join(["word"] * 40)
REQUEST = LLMRequest(messages=(Message("user", "Hi."),) * 20, call=CallContext(call_id="bench"))


def serve(ports: Any) -> None:
    """Run the double until killed."""

    async def run() -> None:
        async with OpenAIDouble(
            model=ScriptedModel(otherwise=lambda rows, tools: Answer(WORDS))
        ).running() as double:
            ports.put(double.url)
            await asyncio.get_running_loop().create_future()

    asyncio.run(run())


async def timed(chunks: AsyncIterator[object]) -> tuple[float, float]:
    """Milliseconds until the first chunk, and from there to the end."""
    begun = time.perf_counter()
    await anext(chunks)
    first = time.perf_counter()
    async for _ in chunks:
        pass
    return (first - begun) * 1_000, (time.perf_counter() - first) * 1_000


async def typed(model: OpenAILLM) -> AsyncIterator[object]:
    """By the SDK's own method."""
    async with model.access.client() as client:
        stream = await client.chat.completions.create(**model.chat_body(REQUEST))
        async for chunk in stream:
            yield chunk


async def measure(url: str) -> int:
    model = OpenAILLM(base_url=f"{url}/v1", api_key="double-key")
    over = False
    async with client_pool():
        ways: dict[str, Any] = {"sdk's method": typed, "ours": lambda m: m.stream(REQUEST)}
        for name, way in ways.items():
            taken = [await timed(way(model)) for _ in range(ROUNDS + WARM_UP)][WARM_UP:]
            first, rest = (statistics.median(each) for each in zip(*taken, strict=True))
            print(f"{name}: first {first:.2f} ms, rest {rest:.2f} ms, p50, n={ROUNDS}")
            over = first > BUDGET_FIRST_MS
    return int(over)


def main() -> int:
    ports: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    try:
        return asyncio.run(measure(ports.get(timeout=30)))
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
