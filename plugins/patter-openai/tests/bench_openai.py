"""How long do a model's stream and its loop take by the SDK, and by ours? Prints three lines.

Exits 1 when ours computes for more than three quarters of the SDK's fastest.
The server is in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI, AsyncStream

from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message
from patter_openai import OpenAILLM
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel

MOST = 0.75
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


async def timed(chunks: AsyncIterator[object]) -> tuple[float, float, float]:
    """Milliseconds until the first chunk, and from there to the end; and those of computing."""
    begun, ran = time.perf_counter(), time.thread_time()
    await anext(chunks)
    first = time.perf_counter()
    async for _ in chunks:
        pass
    ended, used = time.perf_counter(), time.thread_time() - ran
    return (first - begun) * 1_000, (ended - first) * 1_000, used * 1_000


async def typed(client: AsyncOpenAI, model: OpenAILLM) -> AsyncIterator[object]:
    """By the SDK's own method."""
    stream = await client.chat.completions.create(**model.chat_body(REQUEST))
    async for chunk in stream:
        yield chunk


async def plain(client: AsyncOpenAI, model: OpenAILLM) -> AsyncIterator[object]:
    """By the SDK's way for requests of one's own, without its types."""
    stream: AsyncStream[object] = await client.post(
        "/chat/completions",
        cast_to=object,
        body=model.chat_body(REQUEST),
        stream=True,
        stream_cls=AsyncStream[object],
    )
    async for chunk in stream:
        yield chunk


async def measure(url: str) -> int:
    model = OpenAILLM(base_url=f"{url}/v1", api_key="double-key")
    client = AsyncOpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0)
    computing: dict[str, float] = {}
    async with client_pool(), client:
        ways: dict[str, Any] = {
            "the SDK's method": lambda: typed(client, model),
            "the SDK's post": lambda: plain(client, model),
            "ours": lambda: model.stream(REQUEST),
        }
        for name, way in ways.items():
            taken = [await timed(way()) for _ in range(ROUNDS + WARM_UP)][WARM_UP:]
            first, rest, used = (statistics.median(each) for each in zip(*taken, strict=True))
            print(
                f"{name}: first {first:.2f} ms, rest {rest:.2f} ms, computing {used:.2f} ms,"
                f" p50, n={ROUNDS}"
            )
            computing[name] = used
    return int(computing["ours"] > MOST * computing["the SDK's post"])


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
