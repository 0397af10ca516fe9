"""The whole vendor: one server, one key, one set of faults."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from aiohttp import web

from patter_elevenlabs.double.convai import HostedAgent
from patter_testing.doubles.vendor_double import VendorDouble


@attrs.define(eq=False, kw_only=True)
class ElevenLabsDouble(VendorDouble):
    """ElevenLabs, impersonated. *tokens* are single-use tokens and signatures that admit."""

    tokens: set[str] = attrs.field(factory=set)
    agent: HostedAgent = attrs.field(factory=HostedAgent)

    def routes(self) -> Iterable[web.RouteDef]:
        """All paths, part by part."""
        return [*self.agent.routes(self)]

    def key_in(self, request: web.Request) -> str:
        """The header ``xi-api-key``; a token of the query stands for the key."""
        for name in ("token", "single_use_token", "conversation_signature"):
            if request.query.get(name) in self.tokens:
                return self.key
        return request.headers.get("xi-api-key", "")

    def refusal(self, status: int, reason: str = "") -> web.Response:
        """The vendor's answer of HTTP *status*: ``{"detail": {"status", "message"}}``."""
        names = {401: "invalid_api_key", 404: "not_found", 429: "too_many_concurrent_requests"}
        detail = {"status": names.get(status, "error"), "message": reason or f"refused: {status}"}
        return web.json_response({"detail": detail}, status=status)
