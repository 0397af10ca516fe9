"""What a reply takes by Groq's SDK, in two ways, and by ours: ``python benchmark_sdk.py``.

The double is in a process of its own. The first line is what one client of the SDK costs; what
keeps the loop busy keeps every other call of the process waiting.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message
from patter_groq import GroqLLM
from patter_groq.double import GroqDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel

BUDGET_FIRST_MS = 10.0
ROUNDS, WARM_UP = 200, 20
WORDS = " ".join(["word"] * 40)
REQUEST = LLMRequest(messages=(Message("user", "Hi."),) * 20, call=CallContext(call_id="bench"))
Way = Callable[[], AsyncIterator[object]]


def serve(ports: Any) -> None:
    """Run the double until killed."""

    async def run() -> None:
        model = ScriptedModel(otherwise=lambda rows, tools: Answer(WORDS))
        async with GroqDouble(model=model).running() as double:
            ports.put(double.url)
            await asyncio.get_running_loop().create_future()

    asyncio.run(run())


async def timed(chunks: AsyncIterator[object]) -> tuple[float, float, float]:
    """Milliseconds until the first chunk, from there to the end, and of processor."""
    begun, worked = time.perf_counter(), time.process_time()
    await anext(chunks)
    first = time.perf_counter()
    async for _ in chunks:
        pass
    taken = (first - begun, time.perf_counter() - first, time.process_time() - worked)
    return tuple(1_000 * each for each in taken)  # type: ignore[return-value]


async def measure(url: str) -> int:
    begun = time.perf_counter()
    import groq

    imported = time.perf_counter()
    client = groq.AsyncGroq(api_key="double-key", base_url=url, max_retries=0)
    made = [imported]
    for _ in range(20):
        made.append(time.perf_counter())
        groq.AsyncGroq(api_key="double-key", base_url=url)
    each = statistics.median(after - before for before, after in pairwise(made[1:]))
    print(f"SDK: import {imported - begun:.2f} s, a client {each * 1_000:.1f} ms, n=20")
    model = GroqLLM(base_url=f"{url}/openai/v1", api_key="double-key")

    async def typed() -> AsyncIterator[object]:
        stream: Any = await client.chat.completions.create(**model.chat_body(REQUEST))
        async for chunk in stream:
            yield chunk

    async def posted() -> AsyncIterator[object]:
        stream = await client.post(
            "/openai/v1/chat/completions",
            cast_to=object,
            body=model.chat_body(REQUEST),
            stream=True,
            stream_cls=groq.AsyncStream[object],
        )
        async for chunk in stream:
            yield chunk

    ways: dict[str, Way] = {
        "SDK's method": typed,
        "SDK's post": posted,
        "ours": lambda: model.stream(REQUEST),
    }
    async with client_pool():
        for name, way in ways.items():
            taken = [await timed(way()) for _ in range(ROUNDS + WARM_UP)][WARM_UP:]
            first, rest, work = (statistics.median(each) for each in zip(*taken, strict=True))
            print(
                f"{name}: first {first:.2f} ms, 40 words {rest:.2f} ms, "
                f"processor {work:.2f} ms, p50, n={ROUNDS}"
            )
    return int(first > BUDGET_FIRST_MS)


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
