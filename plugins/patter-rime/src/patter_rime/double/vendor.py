"""Rime on 127.0.0.1: who is let in, what is refused, and a session for each socket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs
from aiohttp import web

from patter.audio.formats import Encoding
from patter_rime.double.params import SPEAKERS, BadRequest, SpeechRequest, of_body, of_query
from patter_rime.double.socket import Ws3Session
from patter_rime.double.speech import Synthesis, is_speakable
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_sound import MS_PER_LETTER

_REASONS = {
    400: "payload must be an object",
    401: "invalid api key",
    403: "access forbidden",
    404: "Not Found",
    429: "Currently at websocket limit",
}


@attrs.define(eq=False, kw_only=True)
class RimeDouble(VendorDouble):
    """Speaks what it is sent; *spoken* is what it spoke to the end.

    *messages* are what clients sent on all of its *sockets*, *bodies* what they asked for over
    HTTP, *ignored* the names among it that Rime does not know, or that the model does not take.

    *socket_limit* sockets are open at once, more are refused with 429; Rime publishes no figure.
    *subscribed*: may the key's account speak? A socket may be idle for *idle_s*, or for ever. Audio
    is made *pace* times as fast as it is spoken, or at once; each letter lasts *ms_per_letter*, and
    each piece has *odd_bytes* more than whole samples. Without *names_contexts* no message says
    what it is about.
    """

    socket_limit: int | None = None
    subscribed: bool = True
    idle_s: float | None = None
    pace: float = 0.0
    ms_per_letter: int = MS_PER_LETTER
    odd_bytes: int = 0
    names_contexts: bool = True
    spoken: list[str] = attrs.field(factory=list, init=False)
    messages: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    bodies: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    ignored: list[str] = attrs.field(factory=list, init=False)
    sockets: int = attrs.field(default=0, init=False)
    _open: int = attrs.field(default=0, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/ws3", self._socket),
            web.get("/ws2", self._socket),
            web.post("/v1/rime-tts", self._request),
            web.post("/oov", self._oov),
            web.get("/data/voices/all-v2.json", self._voices),
        )

    def key_in(self, request: web.Request) -> str:
        # The catalogue of voices is public.
        return self.key if request.path.startswith("/data/") else super().key_in(request)

    def refusal(self, status: int, reason: str = "") -> web.Response:
        """A status and a plain text; there is no code in it, and never a ``Retry-After``."""
        return web.Response(status=status, text=reason or _REASONS.get(status, "internal error"))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not self.subscribed:
            return self.refusal(401, "invalid subscription")
        if self.socket_limit is not None and self._open >= self.socket_limit:
            return self.refusal(429)
        try:
            speech = of_query(request.query)
        except BadRequest as error:
            return self.refusal(400, str(error))
        self.ignored += speech.ignored
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        self.sockets += 1
        self._open += 1
        try:
            await self._session(socket, speech).run()
        finally:
            self._open -= 1
        return socket

    def _session(self, socket: web.WebSocketResponse, speech: SpeechRequest) -> Ws3Session:
        return Ws3Session(
            socket=socket,
            stream=self.stream(socket, json.dumps({"type": "done", "contextId": None})),
            request=speech,
            synthesis=self._synthesis(speech),
            latency=self.latency,
            spoken=self.spoken,
            log=self.messages.append,
            idle_s=self.idle_s,
            names_contexts=self.names_contexts,
        )

    def _synthesis(self, speech: SpeechRequest) -> Synthesis:
        return Synthesis(speech.audio, self.pace, self.ms_per_letter, self.odd_bytes)

    async def _request(self, request: web.Request) -> web.StreamResponse:
        """The streaming HTTP interface. A speaker that is unknown is answered with nothing."""
        if not self.subscribed:
            return self.refusal(401, "invalid subscription")
        if not (raw := await request.read()):
            return self.refusal(400, "request body is required")
        try:
            body = json.loads(raw)
            speech, text = of_body(body, request.headers.get("Accept", ""))
        except (BadRequest, json.JSONDecodeError) as error:
            wrong = error if isinstance(error, BadRequest) else _REASONS[400]
            return self.refusal(400, str(wrong))
        self.bodies.append(body)
        self.ignored += speech.ignored
        await self.latency.wait()
        kind = "audio/PCMU" if speech.audio.encoding is Encoding.MULAW else "audio/L16"
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        await self._answer(response, speech, text)
        return response

    async def _answer(self, response: web.StreamResponse, speech: SpeechRequest, text: str) -> None:
        stream, synthesis = self.stream(response), self._synthesis(speech)
        if is_speakable(text) and speech.speaker in SPEAKERS:
            for piece in synthesis.pieces(text):
                await stream.send(piece)
                await synthesis.rest()
            self.spoken.append(text)
        with suppress(ConnectionError):  # the client has gone, as clients may
            await stream.end()

    async def _oov(self, request: web.Request) -> web.Response:
        try:
            text = (await request.json())["text"]
        except (ValueError, KeyError, TypeError):
            return self.refusal(400, "text is required")
        vocabulary = ("hello", "this", "is")
        return web.json_response(
            [word for word in str(text).split() if word.lower() not in vocabulary]
        )

    async def _voices(self, _request: web.Request) -> web.Response:
        return web.json_response({"coda": {"eng": sorted(SPEAKERS)}})
