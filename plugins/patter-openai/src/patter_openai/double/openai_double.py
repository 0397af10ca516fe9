"""The double of OpenAI: which parts answer which path, what is scripted, and how it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter_openai.double.answers import Refusal
from patter_openai.double.chat import Chat
from patter_openai.double.moderations import Moderations
from patter_openai.double.responses import Responses
from patter_openai.double.speech import Speech
from patter_openai.double.transcription_socket import TranscriptionSocket
from patter_openai.double.transcriptions import Transcriptions
from patter_testing.doubles.vendor_double import VendorDouble

P = TypeVar("P")

TYPES = {429: "requests", 500: "server_error", 503: "server_error"}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
MODELS = (
    "gpt-4o-mini",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-tts",
    "gpt-4o-transcribe",
    "gpt-5-mini",
    "gpt-live-transcribe",
    "gpt-realtime",
    "gpt-realtime-whisper",
    "gpt-transcribe",
    "omni-moderation-latest",
    "tts-1",
    "tts-1-hd",
    "whisper-1",
)
FLAGS = {"idiot": "harassment", "kill": "violence"}


class Part(Protocol):
    """Some paths of the vendor. Made once for a double, of which it is told."""

    def __init__(self, double: Any) -> None: ...

    def routes(self) -> Iterable[web.RouteDef]: ...


class Socket(Protocol):
    """One kind of session on ``/v1/realtime``. Made for each connection."""

    def __init__(self, double: Any, request: web.Request) -> None: ...

    async def serve(self) -> web.StreamResponse: ...


class Listening(Protocol):
    """A session that is open."""

    async def hear(self, text: str) -> None: ...


@attrs.define(eq=False, kw_only=True)
class OpenAIDouble(VendorDouble):
    """OpenAI on 127.0.0.1, below ``/v1``. *models* are the names of those it has.

    What its models answer is *model*'s, and what its recognisers hear in *lines*. *flags* are
    words that its moderation minds, and as what.

    *asked* are the JSON bodies of requests, the fields of forms and the messages of sockets, as
    (path, body); *aborted* the paths of requests whose sender left before the end.
    """

    models: tuple[str, ...] = MODELS
    flags: Mapping[str, str] = attrs.field(default=FLAGS)
    asked: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list, init=False, repr=False)
    aborted: list[str] = attrs.field(factory=list, init=False, repr=False)
    listening: list[Listening] = attrs.field(factory=list, init=False, repr=False)
    """The sessions that are open and understand what is said."""

    parts: ClassVar[tuple[type[Part], ...]] = (
        Chat,
        Responses,
        Speech,
        Transcriptions,
        Moderations,
    )
    sockets: ClassVar[dict[str, type[Socket]]] = {"transcription": TranscriptionSocket}
    """What serves ``/v1/realtime``, by its query ``intent``; empty is a conversation."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        yield web.get("/v1/models", self._list_models)
        yield web.get("/v1/models/{model}", self._one_model)
        yield web.get("/v1/realtime", self._realtime)
        for part in self.parts:
            for route in part(self).routes():
                handler: Any = route.handler
                yield attrs.evolve(route, handler=self._refusing(handler))

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

    async def hear(self, text: str) -> None:
        """Every open session understands *text* now; without one the next file is heard so."""
        if not self.listening:
            self.lines.put(text)
        for session in tuple(self.listening):
            await session.hear(text)

    async def stall_or_pass(self) -> None:
        """Stop here for ever where an answer in one piece is to stall."""
        if self.faults.stalls:
            await asyncio.get_running_loop().create_future()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was asked of *path*, below ``/v1``."""
        return [body for at, body in self.asked if at == f"/v1{path}"]

    def _refusing(self, handler: Handler) -> Handler:
        """*handler*, whose refusals become the vendor's answers."""

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Refusal as refused:
                return self.refusal(refused.status, **_as_arguments(refused.error))

        return answer

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


def _as_arguments(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"reason": error["message"], **{n: v for n, v in error.items() if n != "message"}}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "openai"}
