"""The REST API of a Twilio account, as much of it as calls need that are ended and priced.

The double of patter-twilio does far more, and plays the audio; this costs next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import orjson

HEAD, BODY_BYTES = b"\r\n\r\n", 65_536
Changed = Callable[[str, Mapping[str, str]], None]
"""Told the sid of a call, and what the application wants of it."""


def nobody(_: str, __: Mapping[str, str]) -> None:
    """Changes nothing."""


@asynccontextmanager
async def account(changed: Changed = nobody) -> AsyncIterator[str]:
    """Serve the API while inside; its address. *changed* is called with each change of a call."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await _answer(reader, changed))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # who asks has gone, or asks what no client of Twilio's does
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _answer(reader: asyncio.StreamReader, changed: Changed) -> bytes:
    """What a call costs is not known yet, whichever it is."""
    head = (await reader.readuntil(HEAD)).decode(errors="replace")
    first, *lines = head.split("\r\n")
    method, _, rest = first.partition(" ")
    sid = rest.partition(" ")[0].rpartition("/")[2].partition(".")[0]
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    size = min(int(fields.get("content-length", 0)), BODY_BYTES)
    body = (await reader.readexactly(size)).decode(errors="replace")
    if method == "POST":
        changed(sid, dict(parse_qsl(body)))
    response = orjson.dumps({"sid": sid, "status": "completed", "price": None})
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(response),
        response,
    )
