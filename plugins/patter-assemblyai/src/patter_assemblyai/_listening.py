"""A session that listens: audio up, events down, whatever AssemblyAI does or fails to do.

What messages mean is decided by `TurnHearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.live_sessions import LiveSessions
from patter.vendors.options import Query
from patter.vendors.sockets import VendorSocket
from patter_assemblyai import _socket
from patter_assemblyai._errors import ERRORS
from patter_assemblyai._frames import AudioFrames
from patter_assemblyai._turns import TurnHearing

BEGIN_S = 3.0
"""How long an open socket may take to say that its session has begun, or why it has not."""

HURRIED_MS = 1_000.0
"""How long the words may take that were asked for; half of them come within 0.33 s."""

FORMAT_MS = 400.0
"""How long final words wait for their punctuation."""

MUTE_TURNS = 2
"""So many turns in a row that AssemblyAI does not end when asked, and it is gone, however open
its socket: answering in its place for ever would keep the call from reconnecting."""

MUTE_PAUSES = 5
"""The same of pauses without any message. Of a noise AssemblyAI says nothing, so they are more."""


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, how it is let in, and what its pauses wait for."""

    base_url: str
    query: Query = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)
    finalize_ms: float
    judges: bool
    formats: bool
    keep_alive_ms: float = 0.0


SESSIONS: LiveSessions[ListenSession] = LiveSessions(ERRORS.vendor)


@asynccontextmanager
async def listening(
    line: Line, audio: AudioFormat, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, wait until the session has begun, and leave no task or socket behind.

    Raises PatterError as AssemblyAI answers: a key is refused when its socket is open already.
    """
    connected = _socket.connected(line.base_url, line.query, line.headers, line.secret)
    async with connected as socket, task_scope() as tasks:
        session = ListenSession(socket, line, audio, call.clock)
        await session._begin()
        work = {
            "assemblyai-read": session._read,
            "assemblyai-pauses": session._mind_pauses,
            "assemblyai-formats": session._mind_formats,
            "assemblyai-keep-alive": session._keep_alive,
        }
        running = [
            tasks.create_task(session._events.guarded(do), name=name) for name, do in work.items()
        ]
        try:
            with SESSIONS.holding(line.base_url, call.call_id, session):
                yield session
        finally:
            session._events.end()
            for task in running:
                task.cancel()


@attrs.define(eq=False)
class ListenSession:
    """One caller's audio going up, and words coming down."""

    _socket: VendorSocket
    _line: Line
    _audio: AudioFormat
    _clock: Clock
    _hearing: TurnHearing = attrs.field(init=False)
    _frames: AudioFrames = attrs.field(init=False)
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _heard_bytes: int = attrs.field(default=0, init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _paused_bytes: int = attrs.field(default=0, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)
    _pause: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _held: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _mute_turns: int = attrs.field(default=0, init=False)
    _mute_pauses: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._frames = AudioFrames(self._audio)
        self._hearing = TurnHearing(self._line.judges, self._line.formats, self._line.secret)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        self._heard_bytes += len(audio)
        for frame in self._frames.take(audio):
            self._sent_bytes += len(frame)
            await self._socket.send(frame)
        self._put(self._hearing.passed(self._audio.ms_in(self._sent_bytes)))

    async def finalize(self) -> None:
        """The caller has paused: a final comes within two seconds, whatever AssemblyAI does."""
        self._events.check_open()
        if self._paused_bytes == self._heard_bytes and not self._hearing.owed:
            self._events.put(Transcript("", True))
            return
        self._paused_bytes = self._heard_bytes
        message = self._hearing.paused()
        self._due_ms = self._clock.ms() + self._line.finalize_ms
        self._pause.set()
        if message is not None:
            await self._socket.send(message)

    async def configure(self, message: str, *, formats: bool | None) -> None:
        """Send *message*, which changes *formats* unless that is None.

        Raises PatterError when the connection is gone.
        """
        self._events.check_open()
        await self._socket.send(message)
        if formats is not None:
            self._hearing.formats = formats

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def _begin(self) -> None:
        """Wait for the first message, which says that it has begun, or why it has not."""
        with ERRORS.translated():
            async with asyncio.timeout(BEGIN_S):
                while not self._hearing.begun:
                    self._put(self._hearing.read(await self._socket.receive()))

    async def _read(self) -> None:
        async for message in self._socket:
            self._mute_turns = self._mute_pauses = 0
            self._put(self._hearing.read(message))
            if self._hearing.held is not None:
                self._held.set()

    async def _mind_pauses(self) -> None:
        """Answer in AssemblyAI's place what it leaves unanswered."""
        while True:
            await self._pause.wait()
            self._pause.clear()
            await self._wait_for_final()
            if message := self._hearing.hurry():
                await self._socket.send(message)
                self._due_ms = self._clock.ms() + HURRIED_MS
                await self._wait_for_final()
            if answers := self._hearing.overdue():
                self._note_silence()
                self._put(answers)

    def _note_silence(self) -> None:
        """Raises PatterTimeoutError when AssemblyAI has been silent for too long."""
        self._mute_pauses += 1
        self._mute_turns += self._hearing.in_turn
        if self._mute_turns >= MUTE_TURNS or self._mute_pauses >= MUTE_PAUSES:
            raise ERRORS.late()

    async def _wait_for_final(self) -> None:
        """Let the time pass that AssemblyAI has for the final of the latest pause."""
        while self._hearing.owed and (left_ms := self._due_ms - self._clock.ms()) > 0:
            await self._clock.sleep(left_ms)

    async def _mind_formats(self) -> None:
        """Let go of final words whose punctuation does not come."""
        while True:
            await self._held.wait()
            self._held.clear()
            held = self._hearing.held
            await self._clock.sleep(FORMAT_MS)
            if held is not None and self._hearing.held is held:
                self._put(self._hearing.unformatted())

    async def _keep_alive(self) -> None:
        while self._line.keep_alive_ms:
            await self._clock.sleep(self._line.keep_alive_ms)
            if self._sent_bytes == self._kept_bytes:
                await self._socket.send(_socket.KEEP_ALIVE)
            self._kept_bytes = self._sent_bytes

    def _put(self, events: list[STTEvent]) -> None:
        for event in events:
            self._events.put(event)
