"""Deepgram on 127.0.0.1: who is let in, what is refused, and a session for each socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import attrs
from aiohttp import web

from patter.audio.formats import AudioFormat, Encoding
from patter_deepgram.double import messages, params
from patter_deepgram.double.aura import BUFFER_LETTERS, AuraSession, answer_headers
from patter_deepgram.double.flux import EAGER_MS, SURE_MS, FluxSession
from patter_deepgram.double.flux_voice import FluxVoiceSession
from patter_deepgram.double.nova import NovaSession, endpointing_ms
from patter_deepgram.double.params import BadParameter, Params
from patter_deepgram.double.sockets import Session
from patter_deepgram.double.speech import RATES, Synthesis
from patter_testing.doubles.vendor_double import VendorDouble

LISTENING_RATES = (8_000, 16_000, 24_000, 44_100, 48_000)
_REASONS = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    402: "ASR_PAYMENT_REQUIRED",
    403: "INSUFFICIENT_PERMISSIONS",
    404: "NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
}


@attrs.define(eq=False, kw_only=True)
class DeepgramDouble(VendorDouble):
    """Hears its *lines*, and speaks whatever it is given; *spoken* is what it spoke to the end.

    *commands* are the types of what clients said in text, on all of its *sockets*.

    Its limits are Deepgram's: *idle_s* without audio or a keep-alive on ``/v1/listen``,
    *flux_idle_s* without a frame or a ping on ``/v2``, *voice_age_s* of an Aura socket.
    *answers_empty*: is a Finalize answered with which nothing was pending? Nova cuts finals of
    more than *final_words* words. Flux is sure of a turn's end after *sure_ms* of silence. Audio
    is made *pace* times as fast as it is spoken, or at once.
    """

    idle_s: float = 10.0
    flux_idle_s: float = 60.0
    voice_age_s: float = 3_600.0
    answers_empty: bool = True
    final_words: int = 0
    sure_ms: float = SURE_MS
    pace: float = 0.0
    spoken: list[str] = attrs.field(factory=list, init=False)
    sessions: list[NovaSession | FluxSession] = attrs.field(factory=list, init=False)
    commands: list[str] = attrs.field(factory=list, init=False)
    sockets: int = attrs.field(default=0, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/v1/listen", self._serve(self._nova)),
            web.get("/v2/listen", self._serve(self._flux)),
            web.get("/v1/speak", self._serve(self._aura)),
            web.get("/v2/speak", self._serve(self._flux_voice)),
            web.post("/v1/speak", self._speak_once),
            web.post("/v2/speak", self._speak_once),
            web.get("/v1/auth/token", self._token),
            web.get("/v1/projects", self._projects),
        )

    def key_in(self, request: web.Request) -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return key if scheme.lower() == "token" else ""

    def refusal(self, status: int, reason: str = "") -> web.Response:
        words = reason or _REASONS.get(status, "Internal server error")
        body = {
            "err_code": _REASONS.get(status, "INTERNAL_SERVER_ERROR"),
            "err_msg": words,
            "request_id": messages.REQUEST_ID,
        }
        headers = {"dg-request-id": messages.REQUEST_ID, "dg-error": words}
        return web.json_response(body, status=status, headers=headers)

    async def hear(self, text: str) -> None:
        for session in list(self.sessions):
            await session.heard(session.ear.hear(text))

    def _serve(
        self, serve: Callable[[web.Request, Session], Awaitable[None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route whose session is *serve*, on a socket that is opened for good parameters."""

        async def handle(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(autoping=False, timeout=0.5)
            try:
                self._check(request)
            except BadParameter as error:
                return self.refusal(400, str(error))
            await socket.prepare(request)
            self.sockets += 1
            farewell = '{"type": "Close"}'
            stream = self.stream(socket, farewell)
            await serve(request, Session(socket, stream, self.latency, self.commands))
            return socket

        return handle

    def _check(self, request: web.Request) -> tuple[Params, AudioFormat]:
        """What was asked for. Raises BadParameter."""
        rest = request.method == "POST"
        match request.path:
            case "/v1/listen":
                wanted = params.listen_v1(request.query)
                return wanted, wanted.audio(LISTENING_RATES)
            case "/v2/listen":
                wanted = params.listen_v2(request.query)
                return wanted, wanted.audio(LISTENING_RATES)
            case "/v1/speak":
                wanted = params.speak_v1(request.query, rest)
            case _:
                wanted = params.speak_v2(request.query, rest)
        encoding = wanted.text("encoding", "linear16")
        return wanted, wanted.audio(RATES.get(encoding, ()), "linear16")

    async def _nova(self, request: web.Request, session: Session) -> None:
        wanted, audio = self._check(request)
        ear = self.listener(audio, pause_ms=endpointing_ms(wanted))
        await self._listen(
            NovaSession(session, wanted, ear, self.idle_s, self.answers_empty, self.final_words)
        )

    async def _flux(self, request: web.Request, session: Session) -> None:
        wanted, audio = self._check(request)
        ear = self.listener(audio, pause_ms=EAGER_MS)
        await self._listen(FluxSession(session, wanted, ear, self.flux_idle_s, self.sure_ms))

    async def _listen(self, ears: NovaSession | FluxSession) -> None:
        self.sessions.append(ears)
        try:
            await ears.run()
        finally:
            self.sessions.remove(ears)

    async def _aura(self, request: web.Request, session: Session) -> None:
        wanted, audio = self._check(request)
        synthesis = Synthesis(audio, self.pace)
        await AuraSession(session, wanted, synthesis, self.spoken, self.voice_age_s).run()

    async def _flux_voice(self, request: web.Request, session: Session) -> None:
        wanted, audio = self._check(request)
        synthesis = Synthesis(audio, self.pace)
        await FluxVoiceSession(session, wanted, synthesis, self.spoken, self.flux_idle_s).run()

    async def _speak_once(self, request: web.Request) -> web.StreamResponse:
        """The REST interface, of which this knows raw audio alone: no container, no mp3."""
        try:
            wanted, audio = self._check(request)
            if wanted.text("container", "wav") != "none":
                raise BadParameter("this double makes no files: ask for container=none")
            text = (await request.json())["text"]
        except (BadParameter, ValueError, KeyError, TypeError) as error:
            return self.refusal(400, str(error))
        if len(text) > BUFFER_LETTERS:
            return self.refusal(413, "Input text exceeds maximum character limit of 2000.")
        await self.latency.wait()
        kinds = {Encoding.MULAW: "audio/basic", Encoding.ALAW: "audio/alaw"}
        response = web.StreamResponse(headers=answer_headers(wanted, text))
        response.content_type = kinds.get(audio.encoding, "audio/l16")
        await response.prepare(request)
        stream, synthesis = self.stream(response), Synthesis(audio, self.pace)
        for piece in synthesis.pieces(text):
            await stream.send(piece)
            await synthesis.rest()
        self.spoken.append(text)
        await stream.end()
        return response

    async def _token(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"api_key_id": messages.MODEL_ID, "comment": "double", "scopes": ["member"]}
        )

    async def _projects(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"projects": [{"project_id": messages.MODEL_ID, "name": "double"}]}
        )
