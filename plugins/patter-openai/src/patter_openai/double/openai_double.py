"""The double of OpenAI: which parts answer which path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

import attrs
from aiohttp import web

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
        yield from self.model_routes()
        yield web.get("/v1/realtime", self._realtime)
        for part in self.parts:
            yield from self.refusing(part(self).routes())

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        socket = self.sockets.get(request.query.get("intent", ""))
        if socket is None:
            return self.refusal(400, "there is no such session", param="intent")
        return await socket(self, request).serve()
