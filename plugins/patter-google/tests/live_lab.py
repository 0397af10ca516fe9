"""A double, an engine pointed at it, and a session; and a client that says just what it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
from aiohttp.web import StreamResponse

from patter.audio.formats import PCM16_16K
from patter.providers.context import CallContext
from patter.providers.engine_events import EngineEvent
from patter_google import GeminiLive
from patter_google._live_session import LiveSession
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_faults import FaultyStream, Message
from patter_testing.suites.engine_vendor import EventReader, setup_for

CALL = CallContext(call_id="c1")
OLD = "gemini-2.5-flash-native-audio-preview-12-2025"
MIDDLE = "gemini-3.1-flash-live-preview"
CLOUD: dict[str, Any] = {
    "vertexai": True,
    "project": "bistro",
    "model": "gemini-live-2.5-flash-native-audio",
}


def voice(ms: int, pause_ms: int = 0) -> bytes:
    """Somebody who speaks, and then does not."""
    loud = b"\x00\x20" * (PCM16_16K.bytes_in(ms) // 2)
    return loud + bytes(PCM16_16K.bytes_in(pause_ms))


def engine(double: GoogleDouble, **settings: Any) -> GeminiLive:
    """The engine whose vendor is *double*."""
    return double.pointed(GeminiLive(**{"api_key": "k", **settings}))


class _NotingStream(FaultyStream):
    """Keeps what it sends in *notes*."""

    notes: list[dict[str, Any]]

    async def send(self, message: Message) -> None:
        self.notes.append(json.loads(message))
        await super().send(message)


@attrs.define(eq=False, kw_only=True)
class NotingDouble(GoogleDouble):
    """A double that keeps all that it says in *notes*."""

    notes: list[dict[str, Any]] = attrs.field(factory=list, init=False)

    def stream(self, response: StreamResponse, farewell: Message = "") -> FaultyStream:
        made = _NotingStream(response, self.faults, farewell)
        made.notes = self.notes
        return made


@attrs.frozen
class Talk:
    """A call's side (*session*, *events*) and the vendor's side (*double*, *script*)."""

    double: NotingDouble
    session: LiveSession
    events: EventReader

    @property
    def script(self) -> LiveScript:
        return self.double.live

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """The messages of *kind* that the double was sent."""
        return [content for at, content in self.double.log if at == kind]

    @property
    def setup(self) -> dict[str, Any]:
        """The first setup that the double was told."""
        return self.sent("setup")[0]

    async def one(self, kind: type[EngineEvent]) -> Any:
        """The next event of *kind*."""
        return await self.events.until(lambda event: isinstance(event, kind))


@asynccontextmanager
async def talking(
    script: LiveScript | None = None,
    faults: VendorFaults | None = None,
    settings: dict[str, Any] | None = None,
    hears: Iterable[str] = (),
    **setup: Any,
) -> AsyncIterator[Talk]:
    """A call that has begun."""
    double = NotingDouble(live=script or LiveScript(), faults=faults or VendorFaults(), lines=hears)
    async with double.running():
        provider = engine(double, **(settings or {}))
        async with provider.open(CALL, setup_for(provider, **setup)) as session:
            yield Talk(double, session, EventReader(session))


@attrs.define
class Client:
    """A client of the double that keeps no rules; *log* is all that it was sent."""

    socket: aiohttp.ClientWebSocketResponse
    log: list[dict[str, Any]] = attrs.field(factory=list)

    async def says(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def hears(self, kind: str, match: Callable[[Any], bool] = lambda _: True) -> Any:
        """Read on to the next message that has *kind*."""
        while True:
            message = await self.socket.receive(timeout=3)
            assert message.type is aiohttp.WSMsgType.BINARY, f"{message} instead of {kind}"
            body = json.loads(message.data)
            self.log.append(body)
            if kind in body and match(body[kind]):
                return body[kind]

    async def closes(self) -> tuple[int, str]:
        """Read on to the end; returns its code and its reason."""
        while (message := await self.socket.receive(timeout=3)).type is aiohttp.WSMsgType.BINARY:
            self.log.append(json.loads(message.data))
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        return int(message.data), str(message.extra)

    async def begins(self, model: str = "gemini-3.8-live", **setup: Any) -> None:
        """Set a session up."""
        await self.says(setup={"model": f"models/{model}", **setup})
        await self.hears("setupComplete")


@asynccontextmanager
async def client(
    double: GoogleDouble | None = None,
    version: str = "v1beta",
    key: str = "double-key",
    hears: Iterable[str] = (),
    **script: Any,
) -> AsyncIterator[Client]:
    """A client of Google AI, connected."""
    double = double or GoogleDouble(live=LiveScript(**script), lines=hears)
    path = f"/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"
    headers = {"x-goog-api-key": key}
    async with (
        double.running(),
        aiohttp.ClientSession() as http,
        http.ws_connect(double.url + path, headers=headers) as socket,
    ):
        yield Client(socket)
