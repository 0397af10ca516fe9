"""A double, an engine pointed at it, and a session; and a client that says just what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import orjson

from patter.providers.context import CallContext
from patter.providers.engine_events import EngineEvent
from patter_openai import OpenAIRealtime
from patter_openai._realtime_session import RealtimeSession
from patter_openai.double import OpenAIDouble
from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import EventReader, setup_for

CALL = CallContext(call_id="c1")


@attrs.frozen
class Talk:
    """A call's side (*session*, *events*) and the vendor's side (*double*, *script*)."""

    double: OpenAIDouble
    session: RealtimeSession
    events: EventReader

    @property
    def script(self) -> RealtimeScript:
        return self.double.realtime

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """The messages of *kind* that the double was sent."""
        return [body for _, body in self.double.log if body["type"] == kind]

    @property
    def told(self) -> dict[str, Any]:
        """The session that the double was told of at first."""
        first: dict[str, Any] = self.sent("session.update")[0]["session"]
        return first

    async def one(self, kind: type[EngineEvent]) -> Any:
        """The next event of *kind*."""
        return await self.events.until(lambda event: isinstance(event, kind))


@asynccontextmanager
async def talking(
    script: RealtimeScript | None = None,
    faults: VendorFaults | None = None,
    settings: dict[str, Any] | None = None,
    hears: Iterable[str] = (),
    **setup: Any,
) -> AsyncIterator[Talk]:
    """A call that has begun."""
    double = OpenAIDouble(
        realtime=script or RealtimeScript(), faults=faults or VendorFaults(), lines=hears
    )
    async with double.running():
        engine = double.pointed(OpenAIRealtime(api_key="k", **(settings or {})))
        async with engine.open(CALL, setup_for(engine, **setup)) as session:
            yield Talk(double, session, EventReader(session))


@attrs.define
class Client:
    """A client of the double that keeps no rules; *log* is all that it was sent."""

    socket: aiohttp.ClientWebSocketResponse
    log: list[dict[str, Any]] = attrs.field(factory=list)

    async def says(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def hears(self, kind: str, match: Callable[[Any], bool] = lambda _: True) -> Any:
        """Read on to the next message of *kind*."""
        while True:
            message = await self.socket.receive(timeout=3)
            assert message.type is aiohttp.WSMsgType.TEXT, f"{message} instead of {kind}"
            body = orjson.loads(message.data)
            self.log.append(body)
            if body["type"] == kind and match(body):
                return body

    async def error(self) -> dict[str, Any]:
        """The next error, which is the answer to what was said before."""
        body = await self.hears("error")
        inner: dict[str, Any] = body["error"]
        return inner

    async def begins(self, **session: Any) -> None:
        """Wait for the session, and set it."""
        await self.hears("session.created")
        await self.says("session.update", session={"type": "realtime", **session})
        await self.hears("session.updated")


@asynccontextmanager
async def client(
    double: OpenAIDouble | None = None,
    model: str = "gpt-realtime",
    headers: dict[str, str] | None = None,
    hears: Iterable[str] = (),
    **script: Any,
) -> AsyncIterator[Client]:
    """A client, connected."""
    double = double or OpenAIDouble(realtime=RealtimeScript(**script), lines=hears)
    async with double.running(), aiohttp.ClientSession() as http:
        url = f"{double.url}/v1/realtime?model={model}"
        every = {"Authorization": f"Bearer {double.key}", **(headers or {})}
        async with http.ws_connect(url, headers=every) as socket:
            yield Client(socket)
