"""The stream of events to pages: numbered, kept for those that come back, never waited for.

Each client has a queue of a hundred; one that does not read it is closed, and resumes by the number
of the last event it got. Events that are not kept any more are a `reset`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import orjson
from aiohttp import web

from patter.aio import Full, Mailbox, task_scope
from patter.clock import Clock, LoopClock
from patter.errors import RateLimitError
from patter_dashboard.masking import masked

QUEUE = 100
RING = 2_000
RING_BYTES = 4_000_000
CLIENTS = 200
PING_MS, KEEPALIVE_MS = 5_000.0, 30_000.0
WRITE_S = 10.0
PING = b"event: ping\ndata: {}\n\n"
KEEPALIVE = b": keepalive\n\n"
RESET = "reset"
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


@attrs.frozen
class Sent:
    """An event as it goes out; *id* is its number."""

    id: int
    body: bytes


@attrs.define(eq=False)
class Client:
    """One page that listens."""

    box: Mailbox[bytes] = attrs.field(factory=lambda: Mailbox(QUEUE, Full.REFUSE))
    slow: bool = False

    def put(self, body: bytes) -> None:
        """Queue *body*; a full queue is the end of this client."""
        if not self.box.put(body):
            self.slow = True
            self.box.clear()
            self.box.close()


@attrs.define(eq=False)
class Hub:
    """Where events are published, and pages listen."""

    clock: Clock = attrs.field(factory=LoopClock)
    last_id: int = attrs.field(default=0, init=False)
    dropped: int = attrs.field(default=0, init=False)
    _ring: deque[Sent] = attrs.field(factory=deque, init=False)
    _bytes: int = attrs.field(default=0, init=False)
    _clients: dict[Client, asyncio.Transport | None] = attrs.field(factory=dict, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        # Numbers go on after a restart: a page that comes back has one of the process before.
        self.last_id = round(self.clock.wall() * 1_000)

    @property
    def clients(self) -> int:
        """How many listen."""
        return len(self._clients)

    def publish(self, name: str, data: Mapping[str, Any], parties: tuple[str, ...] = ()) -> None:
        """Tell all pages that *name* happened; numbers in *data*, and *parties*, are masked."""
        self.last_id += 1
        text = masked(orjson.dumps(data).decode(), parties)
        body = f"id: {self.last_id}\nevent: {name}\ndata: {text}\n\n".encode()
        self._ring.append(Sent(self.last_id, body))
        self._bytes += len(body)
        while len(self._ring) > RING or (self._bytes > RING_BYTES and len(self._ring) > 1):
            self._bytes -= len(self._ring.popleft().body)
        self._put(body)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve the events to one page until it goes, or is too slow."""
        if len(self._clients) >= CLIENTS:
            raise RateLimitError(
                f"{CLIENTS} pages listen already", fix="close some", retry_after_ms=30_000
            )
        response = web.StreamResponse(headers=HEADERS)
        client = Client()
        # Before anything is awaited: what is published meanwhile must not be missed.
        for body in self._missed(request.headers.get("Last-Event-ID", "")):
            client.put(body)
        self._clients[client] = request.transport
        try:
            if self._closed:
                client.box.close()
            await response.prepare(request)
            await response.write(b"retry: 2000\n\n" + PING)
            async for body in client.box:
                async with asyncio.timeout(WRITE_S):
                    await response.write(body)
        except (ConnectionError, TimeoutError):
            # They left, or read nothing for too long.
            client.slow = client.slow or request.transport is not None
        finally:
            del self._clients[client]
        if client.slow:
            self.dropped += 1
            if request.transport is not None:
                request.transport.abort()
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Hub]:
        """Keep connections alive while inside; on leaving every page is let go."""
        async with task_scope() as tasks:
            beating = tasks.create_task(self._beat(), name="dashboard-pings")
            try:
                yield self
            finally:
                beating.cancel()
                self.close()

    def close(self) -> None:
        """Let every page go; those that come later, too."""
        self._closed = True
        for client in self._clients:
            client.box.close()

    def _missed(self, last: str) -> list[bytes]:
        """What a page has missed whose last event was *last*; a reset if that is not known."""
        if not last:
            return []
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 20 else -1
        first = self._ring[0].id if self._ring else self.last_id + 1
        missed = [sent.body for sent in self._ring if sent.id > after]
        if after < first - 1 or after > self.last_id or len(missed) >= QUEUE:
            return [f"id: {self.last_id}\nevent: {RESET}\ndata: {{}}\n\n".encode()]
        return missed

    def _put(self, body: bytes) -> None:
        for client, transport in list(self._clients.items()):
            client.put(body)
            if client.slow and transport is not None:
                # Its handler may be waiting for room in the socket, which never comes.
                transport.abort()

    async def _beat(self) -> None:
        beats = 0
        while True:
            await self.clock.sleep(PING_MS)
            beats += 1
            self._put(PING)
            if beats * PING_MS % KEEPALIVE_MS == 0:
                self._put(KEEPALIVE)
