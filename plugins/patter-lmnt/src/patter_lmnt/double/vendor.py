"""LMNT on 127.0.0.1: who is let in, what is refused, a session for each socket, and its HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import attrs
from aiohttp import web

from patter.aio import task_scope
from patter.audio.formats import Encoding
from patter_lmnt.double import messages, params
from patter_lmnt.double.messages import REQUEST_ID, Body, Refusal
from patter_lmnt.double.sessions import SessionTraits, SpeechSession
from patter_lmnt.double.synthesis import Synthesis, is_speakable, wav_header
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_faults import Latency

STREAM = "/v1/ai/speech/stream"
VOICES = dict.fromkeys(("leah", "ava", "elowen", "ansel"), "ready")
_REASONS = {
    401: "Invalid API key",
    402: "You have used all characters of your plan.",
    404: "Not found",
    429: "Too many requests",
}


def typical_latency(seed: int = 0) -> Latency:
    """How long LMNT takes to its first audio by its own account: 150 to 200 ms (lmnt.com, 2026)."""
    return Latency(p50_ms=150, p95_ms=200, seed=seed)


@attrs.define(eq=False, kw_only=True)
class LMNTDouble(VendorDouble):
    """Speaks whatever it is given; *spoken* is what it spoke to the end.

    *voices* are the account's, by their state; *quota* is how many characters are left, None for
    any. Audio is made *pace* times as fast as it is spoken, or at once. A line on which it does not
    answer pings (*answers_pings*) is dead. *traits*: see `SessionTraits`. *content_type* is what
    raw samples over HTTP are called. *log* is what clients sent on all *sockets*, without keys;
    *sent* the texts that were answered; *bodies* what was asked for over HTTP.
    """

    voices: Mapping[str, str] = attrs.field(factory=lambda: dict(VOICES))
    quota: int | None = None
    pace: float = 0.0
    answers_pings: bool = True
    traits: SessionTraits = attrs.field(factory=SessionTraits)
    content_type: str = "application/octet-stream"
    spoken: list[str] = attrs.field(factory=list, init=False)
    log: list[Body] = attrs.field(factory=list, init=False)
    sent: list[Body] = attrs.field(factory=list, init=False)
    bodies: list[Body] = attrs.field(factory=list, init=False)
    sockets: int = attrs.field(default=0, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get(STREAM, self._session),
            web.post("/v1/ai/speech/bytes", self._keyed(self._bytes)),
            web.get("/v1/ai/voice/list", self._keyed(self._voices)),
            web.get("/v1/ai/voice/{id}", self._keyed(self._voice)),
            web.get("/v1/account", self._keyed(self._account)),
        )

    def key_in(self, request: web.Request) -> str:  # noqa: ARG002
        """The key that lets in: each path refuses wrong ones itself, a session in a message."""
        return self.key

    def refusal(self, status: int, reason: str = "") -> web.Response:
        words = reason or _REASONS.get(status, "The request failed.")
        return web.json_response(
            messages.error(status, words), status=status, headers={"request-id": REQUEST_ID}
        )

    def admit(self, voice: str) -> None:
        """Raise Refusal for a voice that is not there, or cannot speak."""
        state = self.voices.get(voice)
        if state is None:
            raise Refusal(404, f"Voice {voice!r} was not found.")
        if state != "ready":
            raise Refusal(400, f"Voice {voice!r} is {state}.")

    def pay(self, text: str) -> None:
        """Take the price of *text* off the quota. Raises Refusal when it is not enough."""
        if self.quota is None:
            return
        if len(text) > self.quota:
            raise Refusal(402, _REASONS[402])
        self.quota -= len(text)

    async def _session(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=self.answers_pings, timeout=0.5)
        await socket.prepare(request)
        self.sockets += 1
        farewell = '{"type": "error", "error": {"message": "The session is over.", "type": '
        stream = self.stream(socket, f'{farewell}"internal_server_error"}}, "request_id": "r"}}')
        session = SpeechSession(
            socket, stream, self, self.traits, self.pace, self.spoken, self.log, self.sent
        )
        async with task_scope() as tasks:
            await session.run(tasks)
        return socket

    def _keyed(
        self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route that is answered for a key, and refuses as LMNT does, by version."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("X-API-Key") != self.key:
                if "lmnt-version" in request.headers:
                    return self.refusal(401)
                return web.json_response({"error": _REASONS[401]}, status=403)
            try:
                return await answer(request)
            except Refusal as refusal:
                return self.refusal(refusal.status, refusal.reason)

        return handle

    async def _bytes(self, request: web.Request) -> web.StreamResponse:
        body = params.request(await request.read())
        self.bodies.append(body)
        self.admit(body["voice"])
        self.pay(body["text"])
        audio, text = params.audio_of(body), body["text"].strip()
        await self.latency.wait()
        response = web.StreamResponse(headers={"request-id": REQUEST_ID})
        response.content_type = self.content_type
        await response.prepare(request)
        stream, synthesis = self.stream(response), Synthesis(audio, self.pace)
        if audio.encoding is Encoding.MULAW and self.traits.header != "never":
            await stream.send(wav_header(audio))
        for piece in synthesis.pieces(text) if is_speakable(text) else ():
            await stream.send(piece)
            await synthesis.rest()
        self.spoken.append(text)
        await stream.end()
        return response

    async def _voices(self, _request: web.Request) -> web.Response:
        return web.json_response([messages.voice(*each) for each in self.voices.items()])

    async def _voice(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.voices:
            raise Refusal(404, f"Voice {name!r} was not found.")
        return web.json_response(messages.voice(name, self.voices[name]))

    async def _account(self, _request: web.Request) -> web.Response:
        return web.json_response(messages.account(self.quota or 0))
