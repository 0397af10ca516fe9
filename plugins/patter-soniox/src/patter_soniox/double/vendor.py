"""Soniox on 127.0.0.1: who is let in, what is refused, and a stream for each socket."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable

import attrs
from aiohttp import web

from patter.aio import task_scope
from patter_soniox._options import PATH
from patter_soniox.double import messages
from patter_soniox.double.start import MALFORMED, Ends, Start, read
from patter_soniox.double.stream import Limits, SonioxStream
from patter_soniox.double.wire import Wire
from patter_testing.doubles.vendor_double import Latency, VendorDouble

RESTART = "Cannot continue request (code 1). Please restart the request."
MINUTE_S = 60.0
SETTLED_MS = 800.0
"""After so much silence words are final anyhow, without a mark, where no endpoint is asked for."""

_KINDS = {
    401: ("unauthenticated", "Incorrect API key provided."),
    402: ("payment_required", "Organization balance exhausted."),
    404: ("not_found", "Not found."),
    429: ("limit_exceeded", "Rate limit for your project has been exceeded."),
}

MODELS = (
    messages.model("stt-rt-v4"),
    messages.model("stt-rt-v5"),
    messages.model("stt-rt-preview", alias_of="stt-rt-v5"),
    messages.model("stt-async-v5", live=False),
)


def published_latency() -> Latency:
    """The time from the end of a voice to its final words: 249 ms, 281 ms at the 95th percentile.

    Measured for Soniox by github.com/pipecat-ai/stt-benchmark, with 1000 samples (2026).
    """
    return Latency(p50_ms=249, p95_ms=281)


@attrs.define(eq=False, kw_only=True)
class SonioxDouble(VendorDouble):
    """Hears its *lines*; *commands* are what clients said in text, on all of its *sockets*.

    Its limits are Soniox's: *start_s* until the first message, *idle_s* without audio or a
    keepalive, *first_audio_s* without any audio, *most_minutes* of audio, *concurrent* streams and
    *requests_per_minute*. It is sure of an endpoint after *endpoint_ms* of silence, or as soon as
    it is asked to be. *refuses* is the error with which it answers every start. *speakers* take
    turns; *bare_end*: see `SonioxStream`.
    """

    start_s: float = 10.0
    idle_s: float = 20.0
    first_audio_s: float = 20.0
    most_minutes: float = 300.0
    concurrent: int = 10
    requests_per_minute: int = 100
    endpoint_ms: float = 300.0
    refuses: tuple[int, str] | None = None
    speakers: tuple[str, ...] = ("1",)
    bare_end: bool = False
    models: tuple[messages.Body, ...] = MODELS
    streams: list[SonioxStream] = attrs.field(factory=list, init=False)
    starts: list[messages.Body] = attrs.field(factory=list, init=False)
    commands: list[str] = attrs.field(factory=list, init=False)
    sockets: int = attrs.field(default=0, init=False)
    _open: int = attrs.field(default=0, init=False)
    _asked_at: deque[float] = attrs.field(factory=deque, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (web.get(PATH, self._serve), web.get("/v1/models", self._list))

    def key_in(self, request: web.Request) -> str:
        """The key of a request to the API; a socket is opened for anybody, and says what is wrong.

        (To a browser that is the only way to tell.)
        """
        return self.key if request.path == PATH else super().key_in(request)

    def refusal(self, status: int, reason: str = "") -> web.Response:
        kind, words = _KINDS.get(status, ("error", "The server had an error."))
        body = messages.api_error(status, kind, reason or words)
        return web.json_response(body, status=status)

    async def hear(self, text: str) -> None:
        for stream in list(self.streams):
            await stream.heard(stream.ear.hear(text), *stream.endpoint)

    async def end_streams(self, code: int = 503, words: str = RESTART) -> None:
        """End every open stream with an error, as Soniox may at any time."""
        for stream in list(self.streams):
            await stream.wire.answer(messages.error(code, words))
            await stream.wire.end()

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(messages.models(self.models))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, timeout=0.5)
        await socket.prepare(request)
        self.sockets += 1
        stream = self.stream(socket, json.dumps(messages.error(503, RESTART)))
        wire = Wire(socket, stream, self.latency, self.commands)
        self._open += 1
        try:
            async with task_scope() as tasks:
                sender = tasks.create_task(wire.run(), name="soniox-double")
                await self._served(super().key_in(request), wire)
                sender.cancel()
        finally:
            self._open -= 1
        return socket

    async def _served(self, header_key: str, wire: Wire) -> None:
        """Serve a stream to its end, or tell why it ends."""
        try:
            await self._session(header_key, wire)
        except Ends as end:
            await wire.answer(messages.error(end.code, end.words))
            await wire.end()

    async def _session(self, header_key: str, wire: Wire) -> None:
        """Read the start of a stream, and serve it. Raises Ends."""
        frame = await wire.receive(self.start_s, "Start request timeout")
        if frame is None:
            return
        start = read(frame, {each["id"]: each for each in self.models})
        self._admit(header_key, start)
        judges = start.flag("enable_endpoint_detection")
        pause_ms = min(self.endpoint_ms, start.endpoint_delay_ms) if judges else SETTLED_MS
        ear = self.listener(start.audio, pause_ms=pause_ms)
        limits = Limits(
            idle_s=self.idle_s,
            first_audio_s=self.first_audio_s,
            most_ms=self.most_minutes * 60_000,
        )
        stream = SonioxStream(wire, start, ear, limits, self.speakers, self.bare_end)
        self.streams.append(stream)
        try:
            await stream.run()
        finally:
            self.streams.remove(stream)

    def _admit(self, header_key: str, start: Start) -> None:
        """Note who starts a stream. Raises Ends for who may not."""
        own_key = start.body.get("api_key", "")
        if header_key and own_key:
            raise Ends(400, f"{MALFORMED} (api_key)")
        if not (header_key or own_key):
            raise Ends(401, "Missing API key.")
        if (header_key or own_key) != self.key:
            raise Ends(401, "Invalid API key.")
        self.starts.append(start.body)
        if self.refuses is not None:
            raise Ends(*self.refuses)
        self._limit()

    def _limit(self) -> None:
        now = asyncio.get_running_loop().time()
        self._asked_at.append(now)
        while self._asked_at[0] < now - MINUTE_S:
            self._asked_at.popleft()
        if len(self._asked_at) > self.requests_per_minute:
            raise Ends(429, "Rate limit for your project has been exceeded.")
        if self._open > self.concurrent:
            raise Ends(429, "Your project has exceeded max number of concurrent requests.")
