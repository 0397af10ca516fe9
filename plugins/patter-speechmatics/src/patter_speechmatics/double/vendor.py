"""Speechmatics on 127.0.0.1: who is let in, how many at once, and a session for each socket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from aiohttp import web

from patter_speechmatics.double import messages
from patter_speechmatics.double.config import Refused
from patter_speechmatics.double.session import Limits, RealtimeSession
from patter_testing.doubles.vendor_double import Latency, VendorDouble

MEASURED = (495.0, 676.0)
"""Milliseconds from the end of a voice to its final, half and 95 of 100 times: pipecat-ai's
stt-benchmark, February 2026, the pause of its voice detector included."""


@attrs.define(eq=False, kw_only=True)
class SpeechmaticsDouble(VendorDouble):
    """Hears its *lines*; ``S2: words`` are said by another speaker, where speakers are told apart.

    *received* are the messages of clients, on all its sockets. At most *quota* sessions go on at
    once; *limits* are how long they may be silent. *answers_silence*: is a
    ``ForceEndOfUtterance`` answered when nobody spoke? *obeys_force*: is any? *confirms*: does it
    confirm audio? *refuses* is an error, as type and reason, in place of every session's start.
    """

    quota: int = 20
    limits: Limits = attrs.field(factory=Limits)
    answers_silence: bool = True
    obeys_force: bool = True
    confirms: bool = True
    refuses: tuple[str, str] | None = None
    received: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    sessions: list[RealtimeSession] = attrs.field(factory=list, init=False)

    @staticmethod
    def measured_latency() -> Latency:
        """How long the real one takes, in public figures."""
        return Latency(*MEASURED)

    def routes(self) -> Iterable[web.RouteDef]:
        return (web.get("/v2", self._serve), web.get("/v2/", self._serve))

    def key_in(self, request: web.Request) -> str:
        return request.query.get("jwt", "") or super().key_in(request)

    def refusal(self, status: int, reason: str = "") -> web.Response:
        words = reason or {401: "Unauthorized", 405: "Method Not Allowed"}.get(status, "Refused")
        return web.Response(status=status, text=words)

    async def hear(self, text: str) -> None:
        for session in list(self.sessions):
            if session.ear is not None:
                await session.heard(session.ear.hear(text), silence=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, timeout=0.5)
        await socket.prepare(request)
        session = RealtimeSession(
            socket,
            self.stream(socket, '{"message": "EndOfTranscript"}'),
            self.latency,
            self.limits,
            self.received,
            self.answers_silence,
            self.obeys_force,
            self.confirms,
        )
        self.sessions.append(session)
        try:
            await self._run(session)
        except Refused as refused:
            await session.fail(refused)
        except ConnectionError:
            pass  # the client has gone, as clients may
        finally:
            self.sessions.remove(session)
        return socket

    async def _run(self, session: RealtimeSession) -> None:
        await session.send(messages.usage(len(self.sessions), self.quota))
        if len(self.sessions) > self.quota:
            raise Refused("quota_exceeded", "Concurrent Quota Exceeded")
        wanted = await session.begun()
        if self.refuses is not None:
            raise Refused(*self.refuses)
        await session.send(messages.quality(wanted.audio.rate_hz))
        await session.listen(self.listener(wanted.audio, pause_ms=wanted.trigger_ms))
