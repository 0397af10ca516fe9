"""Cartesia on 127.0.0.1: who is let in, what is refused, and a session for each socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable

import attrs
from aiohttp import web

from patter_cartesia.double import ink, messages, params, turns
from patter_cartesia.double.ink import InkSession
from patter_cartesia.double.params import BadParameter, NoSuchModel
from patter_cartesia.double.sockets import Session
from patter_cartesia.double.sonic import SonicSession
from patter_cartesia.double.sonic_limits import SonicLimits
from patter_cartesia.double.turns import TurnsSession
from patter_testing.doubles.vendor_double import Latency

VERSION = "2026-08-14"
FAREWELL = json.dumps(messages.error(500, "the session is over"))

TYPICAL = Latency(p50_ms=90, p95_ms=190)
"""What Cartesia says of Sonic's first audio and Ink's final words (June 2026): about 90 ms at the
median. The 95th percentile is what it says of Sonic with the way there and back."""


@attrs.define(eq=False, kw_only=True)
class CartesiaDouble(SonicLimits):
    """Hears its *lines*, and speaks whatever it is given, as `SonicLimits` says.

    *texts* are what clients said in text on the sockets of Ink and of Sonic, *sockets* how many
    there were. A socket is closed after *idle_s* without a message, as Cartesia's are. *tokens*
    admit as a key does. `InkSession` says what *piece_letters*, *timed*, *plain* and *acks* are;
    *sure_ms* of silence end a turn.
    """

    idle_s: float = 300.0
    tokens: frozenset[str] = frozenset()
    piece_letters: int = 0
    timed: bool = True
    plain: bool = False
    acks: bool = True
    sure_ms: float = turns.SURE_MS
    sockets: int = attrs.field(default=0, init=False)
    texts: list[str] = attrs.field(factory=list, init=False)
    sessions: list[InkSession | TurnsSession] = attrs.field(factory=list, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/stt/websocket", self._socket(self._ink)),
            web.get("/stt/turns/websocket", self._socket(self._turns)),
            web.get("/tts/websocket", self._socket(self._sonic)),
            web.get("/voices", self._voices),
            web.get("/voices/{id}", self._voice),
        )

    def key_in(self, request: web.Request) -> str:
        """The key, in either header or in the query; an access token stands for it."""
        query = request.query
        shown = super().key_in(request) or request.headers.get("X-API-Key", "")
        shown = shown or query.get("api_key", "") or query.get("access_token", "")
        return self.key if shown in self.tokens else shown

    def refusal(self, status: int, reason: str = "") -> web.Response:
        return web.json_response(messages.answer(status, reason), status=status)

    async def hear(self, text: str) -> None:
        for session in list(self.sessions):
            await session.heard(session.ear.hear(text))

    def _socket(
        self, serve: Callable[[web.Request, Session], Awaitable[None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route whose session is *serve*, on a socket that is opened for good parameters."""

        async def handle(request: web.Request) -> web.StreamResponse:
            socket, model = web.WebSocketResponse(timeout=0.5), ""
            try:
                self._check(request)
            except BadParameter as wrong:
                return self.refusal(400, str(wrong))
            except NoSuchModel as unknown:
                model = str(unknown)
            await socket.prepare(request)
            self.sockets += 1
            stream = self.stream(socket, FAREWELL)
            session = Session(socket, stream, self.latency, self.texts, self.idle_s)
            if model:
                await session.send(messages.error(400, model, "model_not_found"))
                await session.close(1008, "model_not_found")
            else:
                await serve(request, session)
            return socket

        return handle

    def _check(self, request: web.Request) -> None:
        """Raise BadParameter or NoSuchModel for what is not served."""
        params.check_version(_version(request))
        if request.path == "/stt/websocket":
            params.manual(request.query)
        elif request.path == "/stt/turns/websocket":
            params.turns(request.query)

    async def _ink(self, request: web.Request, session: Session) -> None:
        wanted = params.manual(request.query)
        ear = self.listener(wanted.audio(), pause_ms=ink.pause_ms(wanted))
        await self._listen(
            InkSession(
                session,
                wanted,
                ear,
                _version(request),
                self.piece_letters,
                self.timed,
                self.plain,
                self.acks,
            )
        )

    async def _turns(self, request: web.Request, session: Session) -> None:
        wanted = params.turns(request.query)
        ear = self.listener(wanted.audio(), pause_ms=turns.EAGER_MS)
        await self._listen(TurnsSession(session, params.thresholds(wanted), ear, self.sure_ms))

    async def _listen(self, ears: InkSession | TurnsSession) -> None:
        self.sessions.append(ears)
        try:
            await ears.run()
        finally:
            self.sessions.remove(ears)

    async def _sonic(self, _request: web.Request, session: Session) -> None:
        async with asyncio.TaskGroup() as tasks:
            await SonicSession(self, session, tasks).run()

    async def _voices(self, request: web.Request) -> web.Response:
        if set(request.query) - {
            "limit",
            "starting_after",
            "ending_before",
            "q",
            "gender",
            "is_owner",
        }:
            return self.refusal(400, "unknown query parameter")
        return web.json_response(messages.voices(self.voices))

    async def _voice(self, request: web.Request) -> web.Response:
        if (identifier := request.match_info["id"]) not in self.voices:
            return self.refusal(404, "There is no such voice.")
        return web.json_response(messages.voice(identifier))


def _version(request: web.Request) -> str:
    """The query counts more than the header."""
    version = request.query.get("cartesia_version", "")
    return version or request.headers.get("Cartesia-Version", "")
