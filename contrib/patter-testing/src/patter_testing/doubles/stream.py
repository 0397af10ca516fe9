"""One media stream from a carrier's side: a FakeLeg on one end, a WebSocket on the other.

The leg plays what the server sends in real time, answers marks and knows what was truly
heard; here it is carried over the wire in a vendor's frames, the caller's voice at its pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from socket import SHUT_RDWR
from typing import Protocol, TypeAlias, runtime_checkable

import attrs
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from patter.aio import task_scope
from patter.errors import PatterConnectionError
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed
from patter_testing.doubles.faults import FaultInjector
from patter_testing.doubles.voice import FRAME_MS, CallerVoice
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


@runtime_checkable
class ComplainingFrames(Protocol):
    """Frames of a vendor that answers nonsense instead of ignoring it."""

    def complaint(self, reason: str) -> str:
        """The frame that says what was wrong; *reason* is that of the ValueError."""
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
    """A stream to be run once. *malformed* is what the server sent that makes no sense.

    *paced*: the caller is sent in frames of 20 ms by the clock, with silence between words, as
    carriers do. False: what is said goes out at once, in one frame, and nothing between.
    """

    leg: FakeLeg
    frames: CarrierFrames
    injector: FaultInjector = attrs.field(factory=FaultInjector)
    paced: bool = True
    ended: Ended | None = attrs.field(default=None, init=False)
    keys: str = attrs.field(default="", init=False)
    cuts: list[Cut] = attrs.field(factory=list, init=False)
    malformed: list[str] = attrs.field(factory=list, init=False)
    open: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _stopping: bool = attrs.field(default=False, init=False)
    _silent: bool = attrs.field(default=False, init=False)
    _voice: CallerVoice = attrs.field(init=False, repr=False)
    _socket: ClientWebSocketResponse | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.leg.paced = self.paced
        self._voice = CallerVoice(self.leg.audio)

    async def run(self, http: ClientSession, url: str) -> Ended:
        """Connect to *url* and carry both ways until somebody ends it."""
        try:
            socket = await http.ws_connect(url, max_msg_size=0, autoclose=True)
        except (ClientError, ConnectionError, TimeoutError):
            self.leg.drop()
            self.ended = Ended.REFUSED
            return self.ended
        async with socket, task_scope() as tasks:
            self._socket = socket
            for frame in self.frames.opening():
                await socket.send_str(frame)
            self.open.set()
            deeds = (self._write(socket), self._read(socket), self._break(), self._speak(socket))
            running = [tasks.create_task(deed, name="double-stream") for deed in deeds]
            await asyncio.wait(running[:2], return_when=asyncio.FIRST_COMPLETED)
            self.ended = self.ended or Ended.SERVER
            if self.ended is Ended.DROPPED:
                _break_off(socket)
            self.leg.drop()
            for task in running:
                task.cancel()
        return self.ended

    def stop(self) -> None:
        """End it in good order: the vendor's stop frame, then the close."""
        self._stopping = True
        self.leg.drop()

    async def tell(self, frame: str) -> None:
        """Send *frame*, whatever it is, at once."""
        if self._socket is not None:
            await _sent(self._socket, frame)

    async def _write(self, socket: ClientWebSocketResponse) -> None:
        async for event in self.leg:
            if isinstance(event, Hangup):
                self.ended = Ended.CALLER
                await self._finish(socket)
                return
            if isinstance(event, bytes | Dtmf):
                await self._utter(event, socket)
            else:
                await self._send(event, socket)
        if self._stopping:
            await self._finish(socket)
        self.ended = self.ended or (Ended.CARRIER if self._stopping else Ended.DROPPED)

    async def _utter(self, event: bytes | Dtmf, socket: ClientWebSocketResponse) -> None:
        """What is said waits for its time, a key only for what was said before it."""
        self._voice.put(event)
        if not self.paced and isinstance(event, bytes):
            await self.leg.clock.sleep(self.injector.frame_ms())
        for due in self._voice.keys() if self.paced else self._voice.whole():
            await self._send(due, socket)

    async def _speak(self, socket: ClientWebSocketResponse) -> None:
        """A frame every 20 ms of the clock, each up to the injected jitter late."""
        clock, count = self.leg.clock, 0
        began_ms = clock.ms()
        while self.paced and not self._silent:
            due_ms = began_ms + count * FRAME_MS + self.injector.frame_ms()
            await clock.sleep(due_ms - clock.ms())
            events: list[bytes | Dtmf] = [self._voice.frame(), *self._voice.keys()]
            for event in events:
                await self._send(event, socket)
            count += 1

    async def _finish(self, socket: ClientWebSocketResponse) -> None:
        """The last words and keys, then the vendor's stop frame."""
        self._silent = True
        for event in self._voice.rest():
            await self._send(event, socket)
        if frame := self.frames.stop():
            await _sent(socket, frame)

    async def _send(self, event: LegEvent, socket: ClientWebSocketResponse) -> None:
        if frame := self._encoded(event):
            await _sent(socket, frame)

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                self.malformed.append(repr(message.data)[:80])
                continue
            try:
                frame = self.frames.decode(message.data)
                if frame is not None:
                    await self._obey(frame, socket)
            except ValueError as error:
                self.malformed.append(message.data[:200])
                if isinstance(self.frames, ComplainingFrames):
                    await _sent(socket, self.frames.complaint(str(error)))
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
