"""The double of OpenAI: which parts answer which path, and how it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, TypeVar

import attrs
from aiohttp import web

from patter_openai.double.realtime import RealtimeSocket
from patter_openai.double.realtime_desk import RealtimeDesk
from patter_testing.doubles.vendor_double import VendorDouble

P = TypeVar("P")

TYPES = {401: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error"}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
MODELS = (
    "gpt-4o-mini",
    "gpt-4o-mini-tts",
    "gpt-4o-transcribe",
    "gpt-realtime",
    "gpt-realtime-2",
    "gpt-realtime-mini",
    "omni-moderation-latest",
    "whisper-1",
)


class Part(Protocol):
    """Some paths of the vendor. Made once for a double, of which it is told."""

    def __init__(self, double: Any) -> None: ...

    def routes(self) -> Iterable[web.RouteDef]: ...


class Socket(Protocol):
    """One kind of session on ``/v1/realtime``. Made for each connection."""

    def __init__(self, double: Any, request: web.Request) -> None: ...

    async def serve(self) -> web.StreamResponse: ...


@attrs.define(eq=False, kw_only=True)
class OpenAIDouble(VendorDouble):
    """OpenAI on 127.0.0.1, below ``/v1``. *models* are those it has.

    *realtime* is the script of conversations on ``/v1/realtime``.

    *asked* are the JSON bodies of requests, and the messages of sockets, as (path, body).
    """

    models: tuple[str, ...] = MODELS
    realtime: RealtimeDesk = attrs.field(factory=RealtimeDesk)
    asked: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list, init=False, repr=False)

    parts: ClassVar[tuple[type[Part], ...]] = ()
    sockets: ClassVar[dict[str, type[Socket]]] = {"": RealtimeSocket}
    """What serves ``/v1/realtime``, by its query ``intent``; empty is a conversation."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        yield web.get("/v1/models", self._list_models)
        yield web.get("/v1/models/{model}", self._one_model)
        yield web.get("/v1/realtime", self._realtime)
        for part in self.parts:
            yield from part(self).routes()

    def refusal(self, status: int, reason: str = "", **error: Any) -> web.Response:
        """OpenAI's answer of HTTP *status*; *error* overrides what its body says."""
        body = {
            "message": reason or f"refused: {status}",
            "type": TYPES.get(status, "invalid_request_error"),
            "param": None,
            "code": CODES.get(status),
        }
        headers = {"x-request-id": f"req_{len(self.requests)}"}
        return web.json_response({"error": {**body, **error}}, status=status, headers=headers)

    def pointed(self, provider: P) -> P:
        """The same *provider*, whose vendor is this double."""
        changed: dict[str, Any] = {"base_url": f"{self.url}/v1", "api_key": self.key}
        return attrs.evolve(provider, **changed)  # type: ignore[misc]

    async def _list_models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [_model(each) for each in self.models]})

    async def _one_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in self.models:
            return self.refusal(404, f"The model '{name}' does not exist", param="model")
        return web.json_response(_model(name))

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        socket = self.sockets.get(request.query.get("intent", ""))
        if socket is None:
            return self.refusal(400, "there is no such session", param="intent")
        return await socket(self, request).serve()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "openai"}
