"""What a call would pay for LMNT's SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are those of one machine; what is blocked meanwhile is every call of a process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter_lmnt import LMNTTTS, _wire
from patter_lmnt.double import messages

ROUNDS = 300
REPLIES = 60
SENTENCE = "The table for two is booked for eight o'clock tonight."
CHILD = """
import asyncio, sys
from patter_lmnt.double import LMNTDouble
async def main():
    # Sound comes twenty times as fast as it is spoken, not in one burst.
    async with LMNTDouble(pace=20).running() as double:
        print(double.url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def shown(what: str, samples: list[float]) -> None:
    p95 = statistics.quantiles(samples, n=100)[94]
    print(f"{what}: p50 {statistics.median(samples):.2f} ms, p95 {p95:.2f} ms, n={len(samples)}")


def timed(what: str, work: Callable[[], object], rounds: int = ROUNDS) -> None:
    """Time of the processor, for which the loop is held up."""
    samples = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        work()
        samples.append((time.thread_time_ns() - begun) / 1e6)
    shown(what, samples)


async def first_audio(what: str, speak: Callable[[], Awaitable[float]]) -> None:
    """From a sentence to its first audio, in a session that is open."""
    for _ in range(5):
        await speak()
    shown(what, [await speak() for _ in range(REPLIES)])


async def sentence() -> AsyncIterator[str]:
    yield SENTENCE


async def ours(url: str) -> None:
    voice = LMNTTTS(api_key="double-key", base_url=url)
    async with voice.open(CallContext(call_id="c"), MULAW_8K) as session:

        async def speak() -> float:
            begun, first = time.perf_counter_ns(), 0
            async for _ in session.say(sentence()):
                first = first or time.perf_counter_ns()
            return (first - begun) / 1e6

        await first_audio("sentence to first audio, patter", speak)


async def theirs(url: str) -> None:
    import lmnt

    client = lmnt.AsyncLmnt(api_key="double-key", base_url=url)
    session = await client.speech.sessions.create(
        voice="leah", format="ulaw", sample_rate=8_000, return_timestamps=True
    )

    async def speak() -> float:
        begun, first = time.perf_counter_ns(), 0
        await session.send_text(SENTENCE)
        await session.send_flush()
        async for message in session:
            if message.type == "audio":
                first = first or time.perf_counter_ns()
            if message.type == "flush_complete":
                break
        return (first - begun) / 1e6

    await first_audio("sentence to first audio, lmnt sdk", speak)
    await session.close()


def main() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    import lmnt
    from lmnt.resources.sessions import SpeechSession

    lmnt.AsyncLmnt(api_key="k").speech.sessions  # noqa: B018
    took = (time.perf_counter() - begun) * 1e3
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"importing the SDK and making a client: {took:.0f} ms, {grown:.0f} MB")
    timed("a TLS context, once a connection in the SDK", ssl.create_default_context, 50)
    tokens = [(f"word{at}", at * 300.0, at * 300.0 + 250) for at in range(20)]
    message = json.dumps(messages.timestamps(tokens))
    reader = SpeechSession("k", "leah")
    timed("20 timestamps, SDK", lambda: reader._parse_text_message(message))
    timed("20 timestamps, here", lambda: _wire.decode(message, "k"))
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as vendor:
        assert vendor.stdout is not None and vendor.stdin is not None
        url = vendor.stdout.readline().strip()
        asyncio.run(theirs(url))
        asyncio.run(ours(url))
        vendor.stdin.close()


if __name__ == "__main__":
    main()
