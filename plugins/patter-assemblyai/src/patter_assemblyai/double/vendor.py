"""AssemblyAI on 127.0.0.1: who is let in, tokens, and a session for each socket."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable

import attrs
from aiohttp import web

from patter_assemblyai.double import messages, params
from patter_assemblyai.double.params import BadParameter
from patter_assemblyai.double.session import Limits, RealtimeSession, Refused
from patter_assemblyai.double.turns import EAR_PAUSE_MS, TurnTaking
from patter_testing.doubles.vendor_double import Latency, VendorDouble

_REASONS = {
    401: "Not authorized",
    402: "Insufficient funds",
    403: "Forbidden",
    404: "Not found",
    429: "Too many requests",
}


def measured_latency() -> Latency:
    """How long u3-rt-pro took from the end of speech to its words: 323 ms, p95 485 ms.

    Published in June 2026 with pipecat-ai/stt-benchmark, pull request 14, over 1000 samples.
    """
    return Latency(p50_ms=323, p95_ms=485)


@attrs.define(eq=False, kw_only=True)
class AssemblyAIDouble(VendorDouble):
    """Hears its *lines*. *commands* are the types of what clients said in text, on all sockets.

    Lines that end in a comma or in dots do not sound complete: of their end it is not sure.
    *refuses* (a code and words) ends each session as soon as its socket is open, as AssemblyAI
    does for an account it does not serve; a wrong key is refused so in any case.
    *most_sessions* may be open at once (0: any number), *age_s* is how old one becomes,
    *ahead_s* how much audio it may be sent ahead of real time; *second_s* is how long a second of
    these limits, and of an inactivity timeout, takes. *tells_voice*: does it send SpeechStarted?
    *answers_empty*: is a ForceEndpoint answered when no turn is open? *answers_pings* False is a
    line that is dead, and looks open.
    """

    refuses: tuple[int, str] | None = None
    most_sessions: int = 0
    age_s: float = 10_800.0
    ahead_s: float = 300.0
    second_s: float = 1.0
    tells_voice: bool = True
    answers_empty: bool = False
    answers_pings: bool = True
    sessions: list[RealtimeSession] = attrs.field(factory=list, init=False)
    commands: list[str] = attrs.field(factory=list, init=False)
    sockets: int = attrs.field(default=0, init=False)
    tokens: set[str] = attrs.field(factory=set, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/v3/ws", self._listen),
            web.get("/v3/token", self._make_token),
        )

    def key_in(self, request: web.Request) -> str:
        # A socket is opened for everybody, and what does not exist asks for no key.
        if request.path != "/v3/token":
            return self.key
        return request.headers.get("Authorization", "")

    def refusal(self, status: int, reason: str = "") -> web.Response:
        words = reason or _REASONS.get(status, "Internal server error")
        return web.json_response({"error": words}, status=status)

    async def hear(self, text: str) -> None:
        for session in list(self.sessions):
            await session.tell(session.turns.heard(session.turns.ear.hear(text)))
            await session.tell(session.turns.force())

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.5, autoping=self.answers_pings)
        await socket.prepare(request)
        self.sockets += 1
        limits = Limits(age_s=self.age_s, ahead_s=self.ahead_s, second_s=self.second_s)
        stream = self.stream(socket, json.dumps(messages.termination(0, 0)))
        session = RealtimeSession(socket, stream, self.latency, limits, self.commands)
        try:
            self._admit(request, session)
            await self._serve(session)
        except Refused as refused:
            await session.fail(refused.code, refused.words)
        return socket

    async def _serve(self, session: RealtimeSession) -> None:
        self.sessions.append(session)
        try:
            await session.run(int(time.time() + self.age_s))
        finally:
            self.sessions.remove(session)

    def _admit(self, request: web.Request, session: RealtimeSession) -> None:
        """Raises Refused for whom, and for what, AssemblyAI does not serve."""
        if self.refuses is not None:
            raise Refused(*self.refuses)
        if not self._knows(request):
            raise Refused(1008, "Unauthorized Connection: Missing Authorization header")
        if 0 < self.most_sessions <= len(self.sessions):
            raise Refused(3009, "Unauthorized Connection: Too many concurrent sessions")
        try:
            session.params = params.connected(request.query)
            ear = self.listener(session.params.audio, pause_ms=EAR_PAUSE_MS)
        except BadParameter as error:
            raise Refused(3006, f"User Input Validation Error: {error}") from None
        session.turns = TurnTaking(session.params, ear, self.tells_voice, self.answers_empty)

    def _knows(self, request: web.Request) -> bool:
        """Does *request* have the key, or a token that was not used before?"""
        shown = request.query.get("token") or request.headers.get("Authorization", "")
        if shown in self.tokens:
            self.tokens.remove(shown)
            return True
        return shown == self.key and "token" not in request.query

    async def _make_token(self, request: web.Request) -> web.Response:
        lasts = request.query.get("expires_in_seconds", "")
        if not (lasts.isdecimal() and 1 <= int(lasts) <= 600):
            return self.refusal(400, "expires_in_seconds must be between 1 and 600")
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return web.json_response({"token": token, "expires_in_seconds": int(lasts)})
