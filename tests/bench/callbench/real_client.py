"""How the bridge talks to the vendors of `callbench.real_vendors`: their protocols, by hand."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientSession

from callbench.vendor_client import Ears, Speak

KINDS = {"StartOfTurn": "started", "Update": "interim", "EndOfTurn": "final"}
_LISTEN = {"model": "flux-general-en", "encoding": "mulaw", "sample_rate": "8000"}
_SPEAK = {"model_id": "eleven_flash_v2_5", "output_format": "ulaw_8000", "auto_mode": "true"}


@asynccontextmanager
async def ears(client: ClientSession, base: str, call_id: str) -> AsyncIterator[Ears]:
    """The recogniser of a call: send it bytes, read events."""
    async with client.ws_connect(
        f"{base}/v2/listen", params=_LISTEN, headers=_key("Token"), decode_text=False
    ) as socket:
        yield socket


async def events(socket: Ears) -> AsyncIterator[dict[str, Any]]:
    """What the recogniser says, as `callbench.vendor_client` has it."""
    async for message in socket:
        body = orjson.loads(message.data)
        if body["type"] == "TurnInfo":
            yield {"type": KINDS[body["event"]], "text": body["transcript"]}


async def deltas(
    client: ClientSession, base: str, call_id: str, messages: Sequence[Mapping[str, str]]
) -> AsyncIterator[str]:
    """The model's reply to *messages*, piece by piece."""
    body = {
        "model": "gpt-4o-mini",
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    url, data = f"{base}/v1/chat/completions", orjson.dumps(body)
    async with client.post(url, data=data, headers=_key("Bearer")) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                for choice in orjson.loads(line[6:])["choices"]:
                    if text := choice["delta"].get("content"):
                        yield text


@asynccontextmanager
async def voice(client: ClientSession, base: str, call_id: str) -> AsyncIterator[Speak]:
    """The voice of a call: a context a sentence, on one socket."""
    url, count = f"{base}/v1/text-to-speech/voice/multi-stream-input", 0
    async with client.ws_connect(
        url, params=_SPEAK, headers={"xi-api-key": "k"}, decode_text=False
    ) as socket:

        async def speak(sentence: str) -> AsyncIterator[bytes]:
            nonlocal count
            count += 1
            context = f"context-{count}"
            for message in (
                {"text": " ", "context_id": context},
                {"text": f"{sentence} ", "context_id": context, "flush": True},
                {"context_id": context, "close_context": True},
            ):
                await socket.send_str(orjson.dumps(message).decode())
            async for told in socket:
                body = orjson.loads(told.data)
                if body["contextId"] != context:
                    continue
                if body["isFinal"]:
                    return
                yield base64.b64decode(body["audio"])

        yield speak


def _key(scheme: str) -> dict[str, str]:
    return {"Authorization": f"{scheme} k"}
