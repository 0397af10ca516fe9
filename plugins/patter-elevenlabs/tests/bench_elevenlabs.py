"""What does the vendor's own client cost, and what do we? Prints four lines; exits 1 over budget.

Against the double on this machine, so that nothing of it is the network. Run it as a script.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable

import httpx
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.realtime import AudioFormat, ScribeRealtime

from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter_elevenlabs import ElevenLabsRestTTS, ElevenLabsScribeSTT
from patter_elevenlabs.double import ElevenLabsDouble

BUDGET_MS = 25
"""From a sentence to its first audio, through the double, at the median."""

ROUNDS, CHUNKS = 200, 2_000
SARAH = "EXAVITQu4vr4xnSDxMaL"
TEXT = "Good morning."
CALL = CallContext(call_id="bench")
CHUNK = b"\xff" * 480


async def _timed(what: Callable[[], Awaitable[None]], rounds: int) -> list[float]:
    for _ in range(5):
        await what()
    samples = []
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        await what()
        samples.append((time.perf_counter_ns() - begun) / 1e6)
    return samples


async def _first_audio(double: ElevenLabsDouble) -> tuple[list[float], list[float]]:
    """From a sentence to its first audio over HTTP: ours, and the vendor's client."""
    settings = double.pointed(ElevenLabsRestTTS(api_key="k"))

    async def sentence() -> None:
        async def text() -> object:
            yield TEXT

        speech = session.say(text())
        await anext(speech)
        await speech.aclose()

    async def theirs() -> None:
        pieces = speaker.text_to_speech.stream(
            SARAH, text=TEXT, model_id="eleven_flash_v2_5", output_format="ulaw_8000"
        )
        await anext(pieces)
        await pieces.aclose()

    async with settings.open(CALL, MULAW_8K) as session, httpx.AsyncClient() as connections:
        speaker = AsyncElevenLabs(base_url=double.url, api_key=double.key, httpx_client=connections)
        return await _timed(sentence, ROUNDS), await _timed(theirs, ROUNDS)


async def _chunks(double: ElevenLabsDouble) -> tuple[float, float]:
    """Processor time of a chunk of audio that goes up: ours, and the vendor's client, in ms."""
    settings = double.pointed(ElevenLabsScribeSTT(api_key="k"))
    async with settings.open(CALL, MULAW_8K) as session:
        ours = await _cpu_ms(lambda: session.send(CHUNK))
    scribe = ScribeRealtime(double.key, base_url=double.url.replace("http", "ws"))
    connection = await scribe.connect(
        {
            "model_id": "scribe_v2_realtime",
            "audio_format": AudioFormat.ULAW_8000,
            "sample_rate": 8_000,
        }
    )
    theirs = await _cpu_ms(lambda: connection.send({"audio_base_64": b64encode(CHUNK).decode()}))
    await connection.close()
    return ours, theirs


async def _cpu_ms(what: Callable[[], Awaitable[None]]) -> float:
    begun = time.thread_time_ns()
    for _ in range(CHUNKS):
        await what()
    return (time.thread_time_ns() - begun) / 1e6 / CHUNKS


def _import_ms(module: str) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def _context_ms() -> float:
    samples = []
    for _ in range(20):
        begun = time.perf_counter_ns()
        ssl.create_default_context()
        samples.append((time.perf_counter_ns() - begun) / 1e6)
    return statistics.median(samples)


async def _measured() -> tuple[list[float], list[float], float, float]:
    async with ElevenLabsDouble().running() as double:
        return (*await _first_audio(double), *await _chunks(double))


def main() -> int:
    ours, theirs, chunk, their_chunk = asyncio.run(_measured())
    for who, samples in (("patter", ours), ("elevenlabs sdk", theirs)):
        p50, p95 = statistics.median(samples), statistics.quantiles(samples, n=20)[18]
        print(
            f"sentence to first audio, HTTP, {who}: p50 {p50:.2f} ms, p95 {p95:.2f} ms, n={ROUNDS}"
        )
    print(
        f"a chunk of 60 ms to Scribe, processor time with the double's: patter {chunk:.3f} ms, "
        f"elevenlabs sdk {their_chunk:.3f} ms, n={CHUNKS}"
    )
    print(
        f"import: aiohttp {_import_ms('aiohttp'):.0f} ms, elevenlabs.client "
        f"{_import_ms('elevenlabs.client'):.0f} ms; a TLS context: {_context_ms():.1f} ms"
    )
    return statistics.median(ours) > BUDGET_MS


if __name__ == "__main__":
    sys.exit(main())
