"""Listening in on a call over a WebSocket: both sides, as they go by, and never waited for.

The call puts pieces into a bounded queue; decoding and sending happen here, behind it. What a slow
listener does not take is dropped, the oldest first.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
from aiohttp import WSCloseCode, web

from patter.aio import Mailbox, task_scope
from patter.audio.convert import converter
from patter.audio.fit import chain
from patter.audio.formats import PCM16_8K, AudioFormat
from patter.errors import RateLimitError
from patter_dashboard.dashboard import Dashboard

PIECES = 200
"""Two seconds of both sides, in pieces of 20 ms."""
AT_ONCE = 5
CALLER, AGENT = 0, 1
SEND_S, HEARTBEAT_S = 5.0, 20.0
CHECK_MS = 500.0


@attrs.frozen
class Piece:
    """A piece of one side, from *at_ms* on."""

    side: int
    at_ms: float
    audio: bytes


@attrs.define(eq=False)
class Ear:
    """An `AudioListener` that only remembers, and forgets what is not fetched."""

    box: Mailbox[Piece] = attrs.field(factory=lambda: Mailbox(PIECES))

    def caller(self, at_ms: float, audio: bytes) -> None:
        """See `patter.call.listen_in.AudioListener`."""
        self.box.put(Piece(CALLER, at_ms, audio))

    def agent(self, at_ms: float, audio: bytes) -> None:
        """See `patter.call.listen_in.AudioListener`."""
        self.box.put(Piece(AGENT, at_ms, audio))

    def agent_cut(self, at_ms: float) -> None:
        """See `patter.call.listen_in.AudioListener`; it is told by a piece without audio."""
        kept = [each for each in self.box.items() if each.side == CALLER or each.at_ms < at_ms]
        self.box.clear()
        for each in kept:
            self.box.put(each)
        self.box.put(Piece(AGENT, at_ms, b""))


@attrs.define(eq=False)
class ListenIn:
    """Those who listen to calls of *dashboard*, at most `AT_ONCE` to one."""

    dashboard: Dashboard
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)

    async def serve(self, request: web.Request, call_id: str) -> web.StreamResponse:
        """Send the call to one listener until either ends. Raises CallStateError."""
        ear = Ear()
        with self._counted(call_id), self.dashboard.server.listen(call_id, ear) as audio:
            socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=1_024)
            await socket.prepare(request)
            await socket.send_json({"rate_hz": PCM16_8K.rate_hz, "channels": ["caller", "agent"]})
            async with task_scope() as tasks:
                watching = tasks.create_task(self._until_over(call_id, ear), name="listen-watch")
                leaving = tasks.create_task(_until_closed(socket, ear), name="listen-leave")
                try:
                    await _sent(socket, ear, audio)
                finally:
                    watching.cancel()
                    leaving.cancel()
            await socket.close(code=WSCloseCode.OK)
            return socket

    @contextmanager
    def _counted(self, call_id: str) -> Iterator[None]:
        if self._counts[call_id] >= AT_ONCE:
            raise RateLimitError(
                f"{AT_ONCE} listen to call {call_id} already", fix="wait until one has left"
            )
        self._counts[call_id] += 1
        try:
            yield
        finally:
            self._counts[call_id] -= 1
            self._counts += Counter()  # forgets those that are zero

    async def _until_over(self, call_id: str, ear: Ear) -> None:
        while call_id in self.dashboard.here:
            await self.dashboard.clock.sleep(CHECK_MS)
        ear.box.close()


async def _until_closed(socket: web.WebSocketResponse, ear: Ear) -> None:
    async for _ in socket:
        # Nothing is expected of who listens.
        continue
    ear.box.close()


async def _sent(socket: web.WebSocketResponse, ear: Ear, audio: AudioFormat) -> None:
    decode = _decoders(audio)
    async for piece in ear.box:
        pcm = decode[piece.side](piece.audio) if piece.audio else b""
        head = struct.pack("<BI", piece.side, max(0, int(piece.at_ms)) & 0xFFFFFFFF)
        try:
            async with asyncio.timeout(SEND_S):
                await socket.send_bytes(head + pcm)
        except (ConnectionError, TimeoutError):
            return


def _decoders(audio: AudioFormat) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    steps = chain(audio, PCM16_8K)
    return converter(steps).feed, converter(steps).feed
