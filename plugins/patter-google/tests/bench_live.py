"""What a Live session costs in computing time: spoken by hand, and by google-genai.

    python plugins/patter-google/tests/bench_live.py

Without sockets: each side's code for one message, from what a call has to what the socket is
given, and back. And what the SDK takes to make a client, TLS included, which is one for each key
and blocks the loop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

from google import genai
from google.genai import types
from google.genai.live import AsyncSession

from patter_google import _live_wire as wire
from patter_google._live_talk import LiveTalk

TIMES = 2_000
CALLER = bytes(640)
AGENT = base64.b64encode(bytes(4_800)).decode()
SPEECH = json.dumps(
    {
        "serverContent": {
            "modelTurn": {
                "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": AGENT}}]
            }
        }
    }
).encode()


class Socket:
    """Takes everything, and says the same again and again."""

    async def send(self, _: Any) -> None:
        return

    async def recv(self, decode: bool = False) -> bytes:
        return SPEECH


def microseconds(work: Callable[[], object]) -> float:
    """Of computing, the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for _ in range(TIMES):
            work()
        best = min(best, time.process_time() - began)
    return best / TIMES * 1e6


async def of_sdk(work: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for _ in range(TIMES):
            await work()
        best = min(best, time.process_time() - began)
    return best / TIMES * 1e6


def ours() -> dict[str, float]:
    talk = LiveTalk(
        tools_wait=False, asks_by_text=False, hears_voice=False, manual=False, response_ms=15_000
    )

    def hear() -> None:
        talk.take(wire.read(SPEECH), 0)
        talk.events.clear()

    return {
        "20 ms sent": microseconds(lambda: wire.audio(CALLER)),
        "100 ms heard": microseconds(hear),
    }


async def theirs() -> dict[str, float]:
    began = time.process_time()
    client = genai.Client(api_key="k")
    made_ms = (time.process_time() - began) * 1e3
    session = AsyncSession(client._api_client, Socket())  # type: ignore[arg-type]

    async def send() -> None:
        blob = types.Blob(data=CALLER, mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=blob)

    return {
        "20 ms sent": await of_sdk(send),
        "100 ms heard": await of_sdk(session._receive),
        "client (ms)": made_ms,
    }


def main() -> None:
    """Print both, in microseconds a message."""
    warnings.simplefilter("ignore")
    for name, figures in (("by hand", ours()), ("google-genai", asyncio.run(theirs()))):
        told = ", ".join(f"{what} {value:.1f}" for what, value in figures.items())
        print(f"{name:14} {told}")


if __name__ == "__main__":
    main()
