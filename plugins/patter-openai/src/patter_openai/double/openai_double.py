"""The double of OpenAI: which parts answer which path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter_openai.double.answers import Refusal
from patter_openai.double.chat import Chat
from patter_openai.double.moderations import Moderations
from patter_openai.double.realtime import RealtimeSocket
from patter_openai.double.responses import Responses
from patter_openai.double.speech import Speech
from patter_openai.double.transcription_socket import TranscriptionSocket
from patter_openai.double.transcriptions import Transcriptions
from patter_openai.double.vendor import OpenAIVendor


class Part(Protocol):
    """Some paths of the vendor. Made once for a double, of which it is told."""

    def __init__(self, double: Any) -> None: ...

    def routes(self) -> Iterable[web.RouteDef]: ...


class Socket(Protocol):
    """One kind of session on ``/v1/realtime``. Made for each connection."""

    def __init__(self, double: Any, request: web.Request) -> None: ...

    async def serve(self) -> web.StreamResponse: ...


@attrs.define(eq=False, kw_only=True)
class OpenAIDouble(OpenAIVendor):
    """OpenAI on 127.0.0.1, below ``/v1``; its options are those of `OpenAIVendor`."""

    parts: ClassVar[tuple[type[Part], ...]] = (
        Chat,
        Responses,
        Speech,
        Transcriptions,
        Moderations,
    )
    sockets: ClassVar[dict[str, type[Socket]]] = {
        "": RealtimeSocket,
        "transcription": TranscriptionSocket,
    }
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
