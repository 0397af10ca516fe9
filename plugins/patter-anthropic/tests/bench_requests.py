"""What the SDK costs a request: its `post`, as this plugin uses it, beside its typed method.

    python plugins/patter-anthropic/tests/bench_requests.py

No network and no double: the SDK's HTTP client answers itself, at once. The times are those of the
processor.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from anthropic import AsyncAnthropic, AsyncStream

from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, ToolSpec
from patter_anthropic import AnthropicLLM
from patter_anthropic.double.turn import Turn, events

ROUNDS = 50
TOOL = ToolSpec("book_table", "Book a table. " * 20, {"type": "object", "properties": {}})
PROMPT = {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def _body() -> dict[str, Any]:
    """A conversation of 60 rows, with 15 tools."""
    rows = [Message("user", "And a table for two?"), Message("assistant", "At eight.")] * 30
    tools = tuple(ToolSpec(f"tool_{at}", TOOL.description, TOOL.parameters) for at in range(15))
    call = CallContext(call_id="bench")
    request = LLMRequest(messages=(*rows, Message("user", "Yes.")), tools=tools, call=call)
    return {**AnthropicLLM(api_key="k").body(request), "stream": True}


async def _measure(name: str, open_stream: Callable[[], Awaitable[Any]]) -> None:
    asked, read = [], []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        stream = await open_stream()
        opened = time.thread_time()
        count = len([event async for event in stream])
        asked.append((opened - begun) * 1_000)
        read.append((time.thread_time() - opened) * 1_000 / count)
    rest = statistics.median(asked[1:])
    print(
        f"{name}: first request {asked[0]:.1f} ms, then {rest:.2f} ms (p50); "
        f"an event {statistics.median(read):.4f} ms; n={ROUNDS}"
    )


async def main() -> None:
    """Measure both."""
    turn = Turn(text="word " * 200)
    answer = "".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n"
        for each in events(turn, {"model": "m"}, PROMPT)
    ).encode()
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=headers, content=answer)
    )
    http = httpx2.AsyncClient(transport=transport)
    begun = time.thread_time()
    client, body = AsyncAnthropic(api_key="k", http_client=http), _body()
    print(f"client without TLS settings: {(time.thread_time() - begun) * 1_000:.1f} ms")
    # As `serve` does when all is imported: collecting the SDK's objects takes 90 ms each time.
    gc.collect()
    gc.freeze()
    begun = time.thread_time()
    await client.get("/v1/models", cast_to=httpx2.Response)
    print(
        f"the first request of all, as warm makes it: {(time.thread_time() - begun) * 1_000:.1f} ms"
    )
    await _measure(
        "post",
        lambda: client.post(
            "/v1/messages",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=AsyncStream[object],
        ),
    )
    await _measure("messages.create", lambda: client.messages.create(**body))


if __name__ == "__main__":
    asyncio.run(main())
