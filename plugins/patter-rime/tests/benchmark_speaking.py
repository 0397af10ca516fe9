"""What speaking costs on this side, against the double: ``python benchmark_speaking.py``.

The figures are those of one machine, without a network, and of a Rime that takes no time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import time
from collections.abc import AsyncIterator

from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter_rime import RimeTTS, _wire
from patter_rime._speaking import RimeSession
from patter_rime.double import RimeDouble

ROUNDS = 300


def report(what: str, samples: list[float]) -> None:
    p99 = statistics.quantiles(samples, n=100)[98]
    print(f"{what}: p50 {statistics.median(samples):.3f} ms, p99 {p99:.3f} ms, n={len(samples)}")


async def sentences(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


def reading() -> None:
    data = base64.b64encode(bytes(800)).decode()
    message = json.dumps({"type": "chunk", "data": data, "contextId": "utterance-1"})
    samples = []
    for _ in range(10 * ROUNDS):
        begun = time.perf_counter_ns()
        _wire.read(message)
        samples.append((time.perf_counter_ns() - begun) / 1e6)
    report("a message with 100 ms of mu-law is read", samples)


async def first_audio(session: RimeSession, *texts: str) -> list[float]:
    """When each of *texts* begins, in ms after the one before, all of which is there at once."""
    begun, samples = time.perf_counter_ns(), []
    async for speech in session.say(sentences(*texts)):
        if speech.text:
            samples.append((time.perf_counter_ns() - begun) / 1e6)
            begun = time.perf_counter_ns()
    return samples


async def interrupted(session: RimeSession) -> float:
    """From the end of a reply that is cut off to the first audio of the next, in ms."""
    speech = session.say(sentences("one two three four five six seven eight nine ten"))
    await anext(speech)
    begun = time.perf_counter_ns()
    await speech.aclose()
    async for piece in session.say(sentences("yes")):
        if piece.audio:
            return (time.perf_counter_ns() - begun) / 1e6
    raise AssertionError("nothing was said")


async def speaking() -> None:
    call = CallContext(call_id="bench")
    async with RimeDouble(ms_per_letter=40).running() as double:
        async with double.pointed(RimeTTS(api_key="k")).open(call, MULAW_8K) as session:
            replies = [await first_audio(session, "one", "two") for _ in range(ROUNDS)]
        report("the first audio of a reply", [reply[0] for reply in replies])
        report("the next sentence, after that of one word", [reply[1] for reply in replies])
    for pace, rounds in ((20.0, 60), (2.0, 20)):
        async with RimeDouble(pace=pace).running() as double:
            async with double.pointed(RimeTTS(api_key="k")).open(call, MULAW_8K) as session:
                samples = [await interrupted(session) for _ in range(rounds)]
            report(f"after an interruption, Rime at {pace:g} times the speed of speech", samples)
            print(f"  sockets for {rounds} interruptions: {double.sockets}")


if __name__ == "__main__":
    reading()
    asyncio.run(speaking())
