"""One media stream from a carrier's side: a FakeLeg on one end, a WebSocket on the other.

The leg plays what the server sends in real time, answers marks and knows what was truly
heard; here it is only carried over the wire in a vendor's frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from socket import SHUT_RDWR
from typing import Protocol, TypeAlias

import attrs
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from patter.aio import task_scope
from patter.errors import PatterConnectionError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed
from patter_testing.doubles.faults import FaultInjector
from patter_testing.fakes.carrier import FakeLeg


@attrs.frozen
class AskMark:
    """Say when what came before was played."""

    name: str


@attrs.frozen
class Clear:
    """Drop what was not played."""


@attrs.frozen
class Keys:
    """Press these."""

    digits: str


ServerFrame: TypeAlias = bytes | AskMark | Clear | Keys
"""What the server tells its carrier; bytes are the agent's audio."""


class CarrierFrames(Protocol):
    """A vendor's frames from its own side. Empty text: it has no such frame."""

    def opening(self) -> Iterable[str]:
        """What is sent before anything else."""
        ...

    def audio(self, audio: bytes) -> str: ...

    def digit(self, digit: str) -> str: ...

    def played(self, name: str) -> str: ...

    def cleared(self) -> str: ...

    def stop(self) -> str: ...

    def decode(self, text: str) -> ServerFrame | None:
        """What the server said. Raises ValueError for what the vendor would refuse."""
        ...


class Ended(StrEnum):
    """Who ended a stream."""

    SERVER = "server"
    CARRIER = "carrier"
    CALLER = "caller"
    DROPPED = "dropped"
    REFUSED = "refused"


@attrs.frozen
class Cut:
    """The agent was interrupted *at_ms* of the leg; so much of its audio had truly been heard."""

    at_ms: float
    heard_ms: float


@attrs.define(eq=False)
class Stream:
    """A stream to be run once. *malformed* is what the server sent that makes no sense."""

    leg: FakeLeg
    frames: CarrierFrames
    injector: FaultInjector = attrs.field(factory=FaultInjector)
    ended: Ended | None = attrs.field(default=None, init=False)
    keys: str = attrs.field(default="", init=False)
    cuts: list[Cut] = attrs.field(factory=list, init=False)
    malformed: list[str] = attrs.field(factory=list, init=False)
    open: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _stopping: bool = attrs.field(default=False, init=False)

    async def run(self, http: ClientSession, url: str) -> Ended:
        """Connect to *url* and carry both ways until somebody ends it."""
        try:
            socket = await http.ws_connect(url, max_msg_size=0, autoclose=True)
        except (ClientError, ConnectionError, TimeoutError):
            self.leg.drop()
            self.ended = Ended.REFUSED
            return self.ended
        async with socket, task_scope() as tasks:
            for frame in self.frames.opening():
                await socket.send_str(frame)
            self.open.set()
            breaking = tasks.create_task(self._break(), name="double-break")
            writing = tasks.create_task(self._write(socket), name="double-write")
            reading = tasks.create_task(self._read(socket), name="double-read")
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            self.ended = self.ended or Ended.SERVER
            if self.ended is Ended.DROPPED:
                _break_off(socket)
            self.leg.drop()
            for task in (breaking, writing, reading):
                task.cancel()
        return self.ended

    def stop(self) -> None:
        """End it in good order: the vendor's stop frame, then the close."""
        self._stopping = True
        self.leg.drop()

    async def _write(self, socket: ClientWebSocketResponse) -> None:
        async for event in self.leg:
            if (late := self.injector.frame_ms()) and isinstance(event, bytes):
                await self.leg.clock.sleep(late)
            if frame := self._encoded(event):
                await _sent(socket, frame)
            if isinstance(event, Hangup):
                self.ended = Ended.CALLER
                return
        if self._stopping and (frame := self.frames.stop()):
            await _sent(socket, frame)
        self.ended = self.ended or (Ended.CARRIER if self._stopping else Ended.DROPPED)

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                self.malformed.append(repr(message.data)[:80])
                continue
            try:
                frame = self.frames.decode(message.data)
                if frame is not None:
                    await self._obey(frame, socket)
            except ValueError:
                self.malformed.append(message.data[:200])
            except PatterConnectionError:
                return

    async def _obey(self, frame: ServerFrame, socket: ClientWebSocketResponse) -> None:
        match frame:
            case bytes():
                await self.leg.send(frame)
            case AskMark(name):
                await self.leg.mark(name)
            case Keys(digits):
                self.keys += digits
            case Clear():
                self.cuts.append(Cut(self.leg.now_ms, self.heard_ms))
                await self.leg.clear()
                if cleared := self.frames.cleared():
                    await _sent(socket, cleared)

    @property
    def heard_ms(self) -> float:
        """How much of the agent's audio the caller has truly heard on this stream."""
        return sum(self.leg.audio.ms_in(len(each.audio)) for each in self.leg.played)

    def _encoded(self, event: LegEvent) -> str:
        match event:
            case bytes():
                return self.frames.audio(event)
            case Dtmf(digit):
                return self.frames.digit(digit)
            case MarkPlayed(name):
                return self.frames.played(name)
            case Hangup():
                return self.frames.stop()
        return ""

    async def _break(self) -> None:
        """Break the connection when the fault injector says so."""
        if (after_ms := self.injector.breaks_after_ms()) is not None:
            await self.leg.clock.sleep(after_ms)
            self.leg.drop()


async def _sent(socket: ClientWebSocketResponse, frame: str) -> None:
    if not socket.closed:
        try:
            await socket.send_str(frame)
        except ConnectionError:
            return


def _break_off(socket: ClientWebSocketResponse) -> None:
    """Cut the connection without the WebSocket's goodbye, as networks do."""
    if (wire := socket.get_extra_info("socket")) is not None:
        wire.shutdown(SHUT_RDWR)
