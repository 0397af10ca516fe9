"""What does a piece of audio cost on its way in and out, by us and by the SDK? Exits 1 over budget.

Both are measured without a network: what is compared is what is done with a message.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from patter.audio.formats import PCM16_24K
from patter_openai import _realtime_wire as wire
from patter_openai._realtime_conversation import RealtimeConversation

BUDGET_US = 250
ROUNDS = 2_000
FRAME = b"\x00\x20" * 480
PIECE = b"\x00\x20" * 4_800


class Nowhere:
    """A socket that takes everything."""

    async def send(self, data: Any, *_: Any) -> None:
        self.last = data


def delta() -> str:
    """A fifth of a second of the vendor's audio, as it comes."""
    about = {"event_id": "e", "response_id": "r", "item_id": "i"}
    about |= {"output_index": 0, "content_index": 0}  # type: ignore[dict-item]
    body = {"type": "response.output_audio.delta", **about}
    return orjson.dumps({**body, "delta": base64.b64encode(PIECE).decode()}).decode()


async def timed(name: str, work: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> float:
    """The median of *work* in microseconds, printed."""
    for _ in range(min(50, rounds)):
        await work()
    samples = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        await work()
        samples.append((time.perf_counter_ns() - start) / 1_000)
    p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
    print(f"{name}: p50 {p50:.1f} us, p99 {p99:.1f} us, n={rounds}")
    return p50


async def run() -> int:
    socket, text = Nowhere(), delta()
    theirs = AsyncRealtimeConnection(socket)  # type: ignore[arg-type]
    talk = RealtimeConversation(instructions="", responds=False, manual=False, audio_out=PCM16_24K)

    async def read_by_us() -> None:
        talk.take(wire.read(text))
        talk.events.clear()

    async def read_by_them() -> None:
        event = theirs.parse_event(text.encode())
        base64.b64decode(event.delta)  # type: ignore[union-attr, arg-type]

    async def send_by_us() -> None:
        await socket.send(wire.append(FRAME))

    async def send_by_them() -> None:
        await theirs.input_audio_buffer.append(audio=base64.b64encode(FRAME).decode())

    async def make_tls() -> None:
        ssl.create_default_context()

    ours = await timed("200 ms of audio in, ours", read_by_us)
    await timed("200 ms of audio in, SDK", read_by_them)
    ours += await timed("20 ms of audio out, ours", send_by_us)
    await timed("20 ms of audio out, SDK", send_by_them)
    await timed("a TLS context, which the SDK makes for each connection", make_tls, 20)
    print(f"ours together: {ours:.1f} us, budget {BUDGET_US} us (p50)")
    return int(ours > BUDGET_US)


if __name__ == "__main__":
    sys.exit(asyncio.run(run()))
