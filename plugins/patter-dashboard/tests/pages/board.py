"""A dashboard on 127.0.0.1 over a log root, with calls that go on as a test wants them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
from aiohttp import web

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.call.listen_in import AudioListener
from patter.observe.codec import stamped
from patter.observe.events import CallEvent, EngineStep, Started
from patter.providers.context import CallContext
from patter_dashboard._routes import routes
from patter_dashboard.access import Access
from patter_dashboard.dashboard import Dashboard
from patter_testing import site


@attrs.define(eq=False)
class ServerSpy:
    """What the dashboard asks a server that takes calls; remembers what it is told to do."""

    calls: list[str] = attrs.field(factory=list)
    commands: list[tuple[str, ...]] = attrs.field(factory=list)
    ears: list[AudioListener] = attrs.field(factory=list)
    port: int = 8_000
    served: Any = attrs.field(
        factory=lambda: SimpleNamespace(agent=SimpleNamespace(name="bistro"), number="")
    )

    @property
    def switchboard(self) -> Any:
        carrier = SimpleNamespace(can=SimpleNamespace(transfers=True))
        admission = SimpleNamespace(closed="", limits=SimpleNamespace(calls=200))
        return SimpleNamespace(
            calls=tuple(self.calls), lines={"twilio": carrier}, admission=admission
        )

    async def hang_up(self, call_id: str, *, goodbye: bool = False) -> bool:
        self.commands.append(("hang up", call_id, "goodbye" if goodbye else ""))
        return call_id in self.calls

    async def transfer(self, call_id: str, target: str) -> bool:
        self.commands.append(("transfer", call_id, target))
        return call_id in self.calls

    @contextmanager
    def listen(self, call_id: str, listener: AudioListener) -> Iterator[AudioFormat]:
        self.ears.append(listener)
        yield MULAW_8K
        self.ears.remove(listener)

    @property
    def registry(self) -> Any:
        return SimpleNamespace(watch=_nobody_rings)


@asynccontextmanager
async def _nobody_rings() -> AsyncIterator[AsyncIterator[object]]:
    async def changes() -> AsyncIterator[object]:
        await asyncio.Event().wait()
        yield None

    yield changes()


@attrs.define(eq=False)
class LiveCaller:
    """A call that goes on: the dashboard hears what is emitted as listeners of a call do."""

    call_id: str
    listeners: Mapping[type | str, Any]
    seq: int = 0

    def emit(self, event: CallEvent) -> None:
        self.seq += 1
        if listener := self.listeners.get(type(event)):
            listener(stamped(event, self.call_id, self.seq, event.at_ms))

    def play(self, events: Sequence[CallEvent]) -> None:
        """Emit *events*, one after the other."""
        for event in events:
            self.emit(event)

    def hears(self, text: str, at_ms: int) -> None:
        """The recogniser has *text*, and it may still change."""
        fields = {"text": text, "final": False}
        step = EngineStep(input={"name": "CallerWords", "fields": fields}, effects=[])
        self.emit(stamped(step, "", 0, at_ms))

    def step(self, name: str) -> None:
        """The turn engine has taken the input *name*."""
        self.emit(EngineStep(input={"name": name, "fields": {}}, effects=[]))


@attrs.define(eq=False)
class Board:
    """A running dashboard."""

    url: str
    dashboard: Dashboard
    server: ServerSpy

    def cut(self) -> None:
        """Break the connections of all pages that listen."""
        for transport in self.dashboard.hub._clients.values():
            if transport is not None:
                transport.abort()

    def call(self, call_id: str, started: Started) -> LiveCaller:
        """A call begins."""
        self.server.calls.append(call_id)
        caller = LiveCaller(call_id, self.dashboard.listeners(CallContext(call_id=call_id)))
        caller.emit(started)
        return caller


@asynccontextmanager
async def board(root: Path, *, token: str = "", port: int = 0) -> AsyncIterator[Board]:
    """The dashboard over *root*, served."""
    server = ServerSpy()
    dashboard = Dashboard(access=Access(token=token), root=root, server=server)
    app = web.Application()
    app.add_routes(routes(dashboard))
    async with dashboard.running(), site(app, port=port) as url:
        yield Board(url, dashboard, server)
