"""What a request costs: as this plugin makes it, beside Google's SDK.

    python plugins/patter-google/tests/bench_requests.py

Both ask the double on this machine, whose own work is in both figures; the times are those of the
processor, so that waiting does not count.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

from google import genai
from google.genai import types

from patter.client_pool import client_pool
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, ToolSpec
from patter_google import GoogleLLM
from patter_google.double import GoogleDouble

ROUNDS = 20
WORDS = 100
SCHEMA = {"type": "object", "properties": {"people": {"type": "integer"}}}


def _request() -> LLMRequest:
    """A conversation of 61 rows, with 15 tools."""
    rows = [Message("user", "And a table for two?"), Message("assistant", "At eight.")] * 30
    tools = tuple(ToolSpec(f"tool_{at}", "Book a table. " * 20, SCHEMA) for at in range(15))
    call = CallContext(call_id="bench")
    return LLMRequest(messages=(*rows, Message("user", "Yes.")), tools=tools, call=call)


async def _measure(name: str, stream: Callable[[], AsyncIterator[Any]]) -> None:
    first, rest = [], []
    for _ in range(ROUNDS):
        begun, opened, count = time.thread_time(), 0.0, 0
        async for _ in stream():
            opened = opened or time.thread_time()
            count += 1
        first.append((opened - begun) * 1_000)
        rest.append((time.thread_time() - opened) * 1_000 / count)
    print(
        f"{name}: to the first piece {first[0]:.1f} ms at first, then "
        f"{statistics.median(first[1:]):.1f} ms (p50); a piece {statistics.median(rest):.3f} ms; "
        f"n={ROUNDS}"
    )


async def main() -> None:
    """Measure both."""
    warnings.simplefilter("ignore")
    request, script = _request(), ["word " * WORDS] * (2 * ROUNDS)
    async with GoogleDouble(script=script).running() as vendor, client_pool():
        llm = vendor.pointed(GoogleLLM(api_key="k"))
        await _measure("patter-google", lambda: llm.stream(request))
        begun = time.thread_time()
        options = types.HttpOptions(base_url=vendor.url)
        client = genai.Client(api_key=vendor.key, http_options=options).aio
        print(f"the SDK's client: {(time.thread_time() - begun) * 1_000:.0f} ms")
        body = llm.body(request)

        async def theirs() -> AsyncIterator[Any]:
            config = types.GenerateContentConfig(
                tools=body["tools"],
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            )
            asked = client.models.generate_content_stream
            async for piece in await asked(
                model=llm.model, contents=body["contents"], config=config
            ):
                yield piece

        await _measure("google-genai", theirs)
        await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())
