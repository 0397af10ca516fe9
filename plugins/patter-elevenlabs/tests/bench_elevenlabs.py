"""What does the vendor's own client cost, and what do we? Prints four lines; exits 1 over budget.

Against the double in the same process, so that nothing of it is the network, and the double's part
is in all of it alike. Run it as a script.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
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


@attrs.frozen
class Figures:
    """Milliseconds of one round: the median, the 95th percentile, and of the processor."""

    p50: float
    p95: float
    cpu: float


async def _timed(what: Callable[[], Awaitable[None]], rounds: int) -> Figures:
    for _ in range(5):
        await what()
    samples, cpu = [], time.thread_time_ns()
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        await what()
        samples.append((time.perf_counter_ns() - begun) / 1e6)
    cpu_ms = (time.thread_time_ns() - cpu) / 1e6 / rounds
    return Figures(statistics.median(samples), statistics.quantiles(samples, n=20)[18], cpu_ms)


async def _first_audio(double: ElevenLabsDouble) -> tuple[Figures, Figures]:
    """From a sentence to its first audio over HTTP: ours, and the vendor's client."""
    settings = double.pointed(ElevenLabsRestTTS(api_key="k"))

    async def sentence() -> None:
        async def text() -> AsyncIterator[str]:
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
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def _context_ms() -> float:
    begun = time.thread_time_ns()
    for _ in range(20):
        ssl.create_default_context()
    return (time.thread_time_ns() - begun) / 1e6 / 20


async def _measured() -> tuple[Figures, Figures, float, float]:
    async with ElevenLabsDouble().running() as double:
        return (*await _first_audio(double), *await _chunks(double))


def main() -> int:
    ours, theirs, chunk, their_chunk = asyncio.run(_measured())
    for who, each in (("patter", ours), ("elevenlabs sdk", theirs)):
        print(
            f"sentence to first audio, HTTP, {who}: p50 {each.p50:.1f} ms, p95 {each.p95:.1f} ms, "
            f"processor {each.cpu:.1f} ms, n={ROUNDS}"
        )
    print(
        f"a chunk of 60 ms to Scribe, processor: patter {chunk:.3f} ms, "
        f"elevenlabs sdk {their_chunk:.3f} ms, n={CHUNKS}"
    )
    print(
        f"processor, import: aiohttp {_import_ms('aiohttp'):.0f} ms, elevenlabs.client "
        f"{_import_ms('elevenlabs.client'):.0f} ms; a TLS context: {_context_ms():.1f} ms"
    )
    return ours.p50 > BUDGET_MS


if __name__ == "__main__":
    sys.exit(main())
