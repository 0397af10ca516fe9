"""What a call would pay for Cartesia's SDK, and what it pays: ``python benchmark_sdk.py``.

The figures are processor time of one machine, so that what else runs there does not count; what is
blocked meanwhile is every call of a process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

ROUNDS = 2_000


def timed(what: str, work: Callable[[], object], rounds: int = ROUNDS) -> None:
    for _ in range(5):
        work()
    samples = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        work()
        samples.append((time.thread_time_ns() - begun) / 1e6)
    p99 = statistics.quantiles(samples, n=100)[98]
    print(f"{what}: p50 {statistics.median(samples):.4f} ms, p99 {p99:.4f} ms, n={rounds}")


def importing() -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    from cartesia import AsyncCartesia

    client = AsyncCartesia(api_key="k")
    client.tts.websocket_connect()
    client.stt.manual_finalize  # noqa: B018
    import websockets.asyncio.client  # noqa: F401

    took_ms = (time.process_time() - begun) * 1e3
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    print(f"importing the SDK and making a client: {took_ms:.0f} ms, {grown_mb:.0f} MB")


def receiving() -> None:
    from cartesia.resources.stt.manual_finalize import AsyncManualFinalizeResourceConnection
    from cartesia.resources.tts import AsyncTTSResourceConnection

    from patter.audio.formats import MULAW_8K
    from patter.providers.stt import Word
    from patter_cartesia import _sonic
    from patter_cartesia._ink import InkHearing
    from patter_cartesia._positions import Positions
    from patter_cartesia.double import messages

    nothing = cast(Any, None)
    voice = AsyncTTSResourceConnection(nothing)
    chunk = json.dumps(messages.chunk("c", b"\x55" * 800, 1))
    timed("100 ms of audio, SDK", lambda: cast(Any, voice.parse_event(chunk)).audio)
    timed("100 ms of audio, here", lambda: _sonic.decode(chunk, "k"))

    words = [Word(f"word{at}", at * 300, at * 300 + 250) for at in range(20)]
    text = " ".join(word.text for word in words)
    heard = json.dumps(messages.transcript(text, words, final=False, duration_ms=6_000))
    ears, positions = AsyncManualFinalizeResourceConnection(nothing), Positions(MULAW_8K)
    positions.add(80_000)
    hearing = InkHearing(positions, 1_000)
    timed("a transcript of 20 words, SDK", lambda: ears.parse_event(heard))
    timed("a transcript of 20 words, here", lambda: hearing.read(heard, 0))


def sending() -> None:
    from cartesia._utils import async_maybe_transform
    from cartesia.types.websocket_client_event_param import WebsocketClientEventParam

    from patter_cartesia._sonic import Speaking

    settings = {
        "model_id": "sonic-3",
        "voice": {"mode": "id", "id": "v"},
        "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8_000},
    }
    body = {**settings, "context_id": "c", "transcript": "Good morning.", "continue": True}
    speaking, loop = Speaking(settings), asyncio.new_event_loop()

    async def sdk() -> str:
        return json.dumps(await async_maybe_transform(body, WebsocketClientEventParam))

    timed("a sentence to be sent, SDK", lambda: loop.run_until_complete(sdk()))
    timed("a sentence to be sent, here", lambda: speaking.text("c", "Good morning."))
    loop.close()


def main() -> None:
    importing()
    timed("a TLS context, once a connection in the SDK", ssl.create_default_context, 50)
    receiving()
    sending()


if __name__ == "__main__":
    main()
