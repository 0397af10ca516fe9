"""The whole vendor: one server, one key, one set of faults."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from aiohttp import web

from patter_elevenlabs.double.convai import HostedAgent
from patter_elevenlabs.double.scribe import ScribeDouble
from patter_elevenlabs.double.voices import VoicesDouble

TOKENS = ("token", "single_use_token", "conversation_signature")


@attrs.define(eq=False, kw_only=True, slots=False)
class ElevenLabsDouble(VoicesDouble, ScribeDouble):
    """ElevenLabs, impersonated. *tokens* are single-use tokens and signatures that admit.

    What is heard and said is set as in `VendorDouble`, `VoicesDouble` and `ScribeDouble`; *agent*
    is the one that lives there.
    """

    tokens: set[str] = attrs.field(factory=set)
    agent: HostedAgent = attrs.field(factory=HostedAgent)

    def routes(self) -> Iterable[web.RouteDef]:
        """All paths, part by part."""
        return [*self.voice_routes(), *self.scribe_routes(), *self.agent.routes(self, self.tokens)]

    async def hear(self, text: str) -> None:
        """Have every open session understand *text* now, and every agent's caller say it."""
        await super().hear(text)
        await self.agent.hear(text)

    def key_in(self, request: web.Request) -> str:
        """The key, as it is shown; a socket that says itself why it refuses one is let through."""
        refuses_itself = request.path.endswith(("stream-input", "speech-to-text/realtime"))
        return self.key if refuses_itself else self.shown_key(request)

    def shown_key(self, request: web.Request) -> str:
        """The header ``xi-api-key``; a token in the query stands for the key."""
        if any(request.query.get(name) in self.tokens for name in TOKENS):
            return self.key
        return request.headers.get("xi-api-key", "")

    def refusal(self, status: int, reason: str = "") -> web.Response:
        """The vendor's answer of HTTP *status*: ``{"detail": {"status", "message"}}``."""
        names = {
            401: "invalid_api_key",
            404: "voice_not_found",
            429: "too_many_concurrent_requests",
        }
        detail = {"status": names.get(status, "error"), "message": reason or f"refused: {status}"}
        return web.json_response({"detail": detail}, status=status)
