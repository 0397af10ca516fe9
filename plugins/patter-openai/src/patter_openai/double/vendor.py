"""What all parts of the double share: the account, what is scripted, and how it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import attrs
from aiohttp import web

from patter_openai.double.realtime_desk import RealtimeDesk
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
    "gpt-realtime-2",
    "gpt-realtime-mini",
    "gpt-realtime-whisper",
    "gpt-transcribe",
    "omni-moderation-latest",
    "tts-1",
    "tts-1-hd",
    "whisper-1",
)
FLAGS = {"idiot": "harassment", "kill": "violence"}


class Listening(Protocol):
    """A session that is open."""

    async def hear(self, text: str) -> None: ...


@attrs.define(eq=False, kw_only=True)
class OpenAIVendor(VendorDouble):
    """OpenAI on 127.0.0.1, below ``/v1``. *models* are the names of those it has.

    What its models answer is *model*'s, and what its recognisers hear in *lines*. *flags* are
    words that its moderation minds, and as what. *realtime* is the script of its conversations.

    *log* has the JSON bodies of requests, the fields of forms and the messages of sockets, as
    (path, body); *aborted* the paths of requests whose sender left before the end.
    """

    models: tuple[str, ...] = MODELS
    flags: Mapping[str, str] = attrs.field(default=FLAGS)
    realtime: RealtimeDesk = attrs.field(factory=RealtimeDesk)
    log: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list, init=False, repr=False)
    aborted: list[str] = attrs.field(factory=list, init=False, repr=False)
    listening: list[Listening] = attrs.field(factory=list, init=False, repr=False)
    """The sessions that are open and understand what is said."""

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
        return [body for at, body in self.log if at == f"/v1{path}"]
