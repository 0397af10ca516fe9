"""How the vendors are talked to, the same way by what is measured and by what it is measured
against: one HTTP client a process, warm connections, no work beyond the protocol.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

Ears: TypeAlias = "ClientWebSocketResponse[bool]"
Speak: TypeAlias = Callable[[str], AsyncIterator[bytes]]
"""Audio of a sentence, as it comes."""


@asynccontextmanager
async def http_client() -> AsyncIterator[ClientSession]:
    """The client of this process."""
    connector = TCPConnector(limit=0, keepalive_timeout=60)
    async with ClientSession(connector=connector) as client:
        yield client


@asynccontextmanager
async def ears(client: ClientSession, base: str, call_id: str) -> AsyncIterator[Ears]:
    """The recogniser of a call: send it bytes, read events."""
    headers = {"x-call": call_id}
    async with client.ws_connect(f"{base}/stt", headers=headers, decode_text=False) as socket:
        yield socket


async def events(socket: Ears) -> AsyncIterator[dict[str, Any]]:
    """What the recogniser says."""
    async for message in socket:
        yield orjson.loads(message.data)


async def warm(client: ClientSession, base: str) -> None:
    """Have a connection open before somebody waits for one."""
    async with client.get(f"{base}/warm") as response:
        await response.read()


async def deltas(
    client: ClientSession, base: str, call_id: str, messages: Sequence[Mapping[str, str]]
) -> AsyncIterator[str]:
    """The model's reply to *messages*, piece by piece."""
    body = orjson.dumps({"messages": messages, "stream": True})
    async with client.post(f"{base}/llm", data=body, headers={"x-call": call_id}) as response:
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            yield orjson.loads(line[6:])["delta"]


async def audio(client: ClientSession, base: str, call_id: str, text: str) -> AsyncIterator[bytes]:
    """The voice for *text*."""
    body = orjson.dumps({"text": text})
    async with client.post(f"{base}/tts", data=body, headers={"x-call": call_id}) as response:
        async for piece in response.content.iter_any():
            yield piece


@asynccontextmanager
async def voice(client: ClientSession, base: str, call_id: str) -> AsyncIterator[Speak]:
    """The voice of a call: a request a sentence."""
    yield lambda sentence: audio(client, base, call_id, sentence)
