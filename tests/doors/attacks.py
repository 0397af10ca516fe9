"""What strangers and callers do to a server: ``python -m tests.doors.attacks NAME URL SECONDS``.

In a process of its own, so that whoever is measured beside it is disturbed by the server alone.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp

Attack: TypeAlias = Callable[[str, int], Awaitable[None]]
SOCKETS = 60
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASKED = struct.pack(">BBI", 0x81, 0x80 | 2, 0) + b"{}"
POST = (
    "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n"
    "{more}\r\n"
)


async def opened(url: str, port: int, first: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(url, port)
    writer.write(first)
    return writer


async def again_and_again(work: Callable[[], Awaitable[None]], many: int = SOCKETS) -> None:
    """Do *work* on so many connections, each time it ends once more."""

    async def one() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, aiohttp.ClientError):
                await work()
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(many):
            tasks.create_task(one())


async def frames_without_a_token(host: str, port: int) -> None:
    """Sockets to a media path whose token is none, full of small frames."""
    hello = UPGRADE.format(path="/media/twilio/v1.x.y").encode()

    async def flood() -> None:
        writer = await opened(host, port, hello)
        while not writer.is_closing():
            writer.write(MASKED * 4_000)
            await asyncio.wait_for(writer.drain(), 5)
            await asyncio.sleep(0)

    await again_and_again(flood)


async def slow_bodies(host: str, port: int) -> None:
    """Bodies of all kinds that do not come."""
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    count = 0

    async def slow() -> None:
        nonlocal count
        count += 1
        kind, path = (
            kinds[count % 3],
            ("/webhooks/twilio/voice", "/webhooks/softphone/call")[count % 2],
        )
        reader, writer = await asyncio.open_connection(host, port)
        head = POST.format(path=path, kind=f"{kind}; boundary=x", size=1_000, more="")
        writer.write(head.encode() + b"{")
        await reader.read()

    await again_and_again(slow, 100)


async def packed_bodies(host: str, port: int) -> None:
    """A little that unpacks to a lot."""
    packed = gzip.compress(bytes(220_000_000))

    async def send() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        more = "Content-Encoding: gzip\r\n"
        head = POST.format(
            path="/webhooks/softphone/call", kind="application/json", size=len(packed), more=more
        )
        writer.write(head.encode() + packed)
        await reader.read()

    await again_and_again(send)


async def idle_connections(host: str, port: int) -> None:
    """More connections than a process may have files, each kept after one answer."""
    kept = []
    for _ in range(1_100):
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            kept.append(writer)
        await asyncio.sleep(0.001)
    await asyncio.sleep(3_600)


async def no_http(host: str, port: int) -> None:
    """What is no request, as fast as it is read."""
    nonsense = (
        b"\x16\x03\x01\x02\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"X" * 20_000,
        b"GET \xff\r\n\r\n",
    )
    count = 0

    async def send() -> None:
        nonlocal count
        count += 1
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(nonsense[count % len(nonsense)])
        await asyncio.wait_for(reader.read(), 2)
        writer.close()

    await again_and_again(send, 16)


async def unsigned_webhooks(host: str, port: int) -> None:
    """Forged webhooks, and bodies deeper than any parser's stack."""
    bodies = (b"CallSid=CA1", b"[" * 60_000)
    count = 0

    async def send() -> None:
        nonlocal count
        count += 1
        reader, writer = await asyncio.open_connection(host, port)
        body = bodies[count % 2]
        head = POST.format(
            path="/webhooks/twilio/voice",
            kind="application/x-www-form-urlencoded",
            size=len(body),
            more="X-Twilio-Signature: AAAA\r\n",
        )
        writer.write(head.encode() + body)
        await asyncio.wait_for(reader.read(2_000), 2)
        writer.close()

    await again_and_again(send, 8)


async def _call(client: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    async with client.post("/webhooks/softphone/call", json={}) as answer:
        path = (await answer.json())["media_path"]
    return await client.ws_connect(path)


async def _from_a_call(host: str, port: int, frame: str | bytes) -> None:
    async with aiohttp.ClientSession(f"http://{host}:{port}") as client:

        async def flood() -> None:
            socket = await _call(client)
            reading = asyncio.create_task(_drain(socket))
            try:
                while not socket.closed:
                    for _ in range(200):
                        await (
                            socket.send_bytes(frame)
                            if isinstance(frame, bytes)
                            else socket.send_str(frame)
                        )
                    await asyncio.sleep(0)
            finally:
                reading.cancel()

        await again_and_again(flood, 2)


async def _drain(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        continue


async def audio_flood(host: str, port: int) -> None:
    """A caller whose audio comes as fast as the network takes it."""
    await _from_a_call(host, port, bytes([0x2A, 0xAA]) * 80)


async def key_storm(host: str, port: int) -> None:
    """A caller who presses keys as fast as the network takes them."""
    await _from_a_call(host, port, json.dumps({"event": "dtmf", "digit": "5"}))


async def mark_flood(host: str, port: int) -> None:
    """A caller's line that reports marks nobody sent, with long names."""
    await _from_a_call(host, port, json.dumps({"event": "mark", "name": "m" * 190}))


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            frames_without_a_token,
            slow_bodies,
            packed_bodies,
            idle_connections,
            no_http,
            unsigned_webhooks,
            audio_flood,
            key_storm,
            mark_flood,
        )
    }
)


async def main(name: str, url: str, seconds: float) -> None:
    place = urlsplit(url)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ATTACKS[name](place.hostname or "", place.port or 0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
