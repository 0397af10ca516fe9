"""The floor: the same call by hand on aiohttp, with no framework.

Same sockets, same frames, same pacing and marks as what is measured beside it. It has no
turn engine, no record, no errors worth the name; that difference is what is being priced.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientSession, WSMsgType, web

from callbench import script, vendor_client
from callbench.casts import Client
from callbench.stand import Stand

LEAD_S, CHUNK_S, MARK_EVERY = 0.3, 0.1, 5
CHUNK_BYTES = int(CHUNK_S * 1_000) * script.BYTES_PER_MS


class Bridge:
    """One call."""

    def __init__(
        self, http: ClientSession, client: Client, vendors: str, socket: web.WebSocketResponse
    ) -> None:
        self._http, self._client, self._vendors, self._socket = http, client, vendors, socket
        self._voice: vendor_client.Speak | None = None
        self._stream = self._call = ""
        self._history: list[dict[str, str]] = [{"role": "system", "content": script.PROMPT}]
        self._dry = 0.0
        self._reply: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Live through the call."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            ears: vendor_client.Ears | None = None
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT:
                    break
                body = orjson.loads(message.data)
                if body["event"] == "media" and ears is not None:
                    await ears.send_bytes(base64.b64decode(body["media"]["payload"]))
                elif body["event"] == "start":
                    self._stream, self._call = body["streamSid"], body["start"]["callSid"]
                    place = (self._http, self._vendors, self._call)
                    ears = await stack.enter_async_context(self._client.ears(*place))
                    self._voice = await stack.enter_async_context(self._client.voice(*place))
                    listener = tasks.create_task(self._listen(ears, tasks))
                elif body["event"] == "stop":
                    break
            listener.cancel()
            await self._stop()

    async def _listen(self, ears: vendor_client.Ears, tasks: asyncio.TaskGroup) -> None:
        async for event in self._client.events(ears):
            if event["type"] == "interim" and self._speaking():
                await self._stop()
                await self._send({"event": "clear", "streamSid": self._stream})
            elif event["type"] == "final" and event["text"]:
                await self._stop()
                self._history.append({"role": "user", "content": event["text"]})
                self._reply = tasks.create_task(self._answer())

    def _speaking(self) -> bool:
        loop = asyncio.get_running_loop()
        busy = self._reply is not None and not self._reply.done()
        return busy or self._dry > loop.time()

    async def _stop(self) -> None:
        if self._reply is not None:
            self._reply.cancel()
            await asyncio.wait({self._reply})
            self._reply = None
        self._dry = 0.0

    async def _answer(self) -> None:
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speak(sentences, pieces))
            tasks.create_task(self._play(pieces))
            said = ""
            async for sentence in self._think():
                said += sentence
                sentences.put_nowait(sentence.strip())
            sentences.put_nowait(None)
        self._history.append({"role": "assistant", "content": said.strip()})

    async def _think(self) -> AsyncIterator[str]:
        """The sentences of the reply."""
        open_text = ""
        stream = self._client.deltas(self._http, self._vendors, self._call, self._history)
        async for delta in stream:
            open_text += delta
            if open_text.rstrip().endswith((".", "?", "!")):
                yield open_text
                open_text = ""
        if open_text.strip():
            yield open_text

    async def _speak(
        self, sentences: asyncio.Queue[str | None], pieces: asyncio.Queue[bytes | None]
    ) -> None:
        assert self._voice is not None
        while (sentence := await sentences.get()) is not None:
            async for piece in self._voice(sentence):
                pieces.put_nowait(piece)
        pieces.put_nowait(None)

    async def _play(self, pieces: asyncio.Queue[bytes | None]) -> None:
        """Keep the carrier supplied, and no more: what it holds cannot be taken back cheaply."""
        loop = asyncio.get_running_loop()
        waiting, ended, chunks = bytearray(), False, 0
        while waiting or not ended:
            if not waiting:
                piece = await pieces.get()
                ended = piece is None
                waiting += piece or b""
                continue
            if (wait := self._dry - (LEAD_S - CHUNK_S) - loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._send_audio(bytes(waiting[:CHUNK_BYTES]))
            del waiting[:CHUNK_BYTES]
            chunks += 1
            if chunks % MARK_EVERY == 1:
                await self._mark(chunks)
            ended = self._drain(pieces, waiting) or ended
        await self._mark(-1)

    @staticmethod
    def _drain(pieces: asyncio.Queue[bytes | None], waiting: bytearray) -> bool:
        """Take what has come meanwhile; was that all?"""
        while not pieces.empty():
            piece = pieces.get_nowait()
            if piece is None:
                return True
            waiting += piece
        return False

    async def _send_audio(self, audio: bytes) -> None:
        payload = base64.b64encode(audio).decode()
        body = {"event": "media", "streamSid": self._stream, "media": {"payload": payload}}
        await self._send(body)
        now = asyncio.get_running_loop().time()
        self._dry = max(self._dry, now) + len(audio) / script.BYTES_PER_MS / 1_000

    async def _mark(self, number: int) -> None:
        mark = {"name": str(number)}
        await self._send({"event": "mark", "streamSid": self._stream, "mark": mark})

    async def _send(self, body: dict[str, Any]) -> None:
        await self._socket.send_str(orjson.dumps(body).decode())


@asynccontextmanager
async def serving(vendors: str, client: Client) -> AsyncIterator[Stand]:
    """Serve bridges that talk to *vendors* as *client* does."""
    async with vendor_client.http_client() as http:
        app = web.Application()
        app.router.add_post("/webhooks/bench/call", _ring)
        app.router.add_get("/media/bench/{token}", _media(http, client, vendors))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield Stand(runner.addresses[0][1])
        finally:
            await runner.cleanup()


async def _ring(request: web.Request) -> web.Response:
    body = orjson.loads(await request.read())
    url = f"ws://{request.host}/media/bench/{body['call_id']}"
    return web.Response(body=orjson.dumps({"media_url": url}), content_type="application/json")


def _media(
    http: ClientSession, client: Client, vendors: str
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def media(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, decode_text=False)
        await socket.prepare(request)
        await Bridge(http, client, vendors, socket).run()
        return socket

    return media
