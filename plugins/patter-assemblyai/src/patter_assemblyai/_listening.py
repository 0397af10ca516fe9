"""A session that listens: audio up, events down, whatever AssemblyAI does or fails to do.

What messages mean is decided by `TurnHearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import attrs

from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent
from patter.vendors.events import SessionEvents
from patter.vendors.live_sessions import LiveSessions
from patter.vendors.options import Query
from patter.vendors.pauses import PauseWatch, keep_alive
from patter.vendors.sockets import VendorSocket
from patter_assemblyai import _socket
from patter_assemblyai._errors import ERRORS
from patter_assemblyai._frames import AudioFrames
from patter_assemblyai._turns import TurnHearing

BEGIN_S = 3.0
"""How long an open socket may take to say that its session has begun, or why it has not."""

FORMAT_MS = 400.0
"""How long final words wait for their punctuation."""

MUTE_PAUSES = 5
"""Of a noise AssemblyAI says nothing, so it may leave more pauses than others without a message."""


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
    async with connected as socket:
        session = ListenSession(socket, line, audio, call.clock)
        await session._begin()
        waits = (session._pauses.run, session._mind_formats, session._keep_alive)
        async with session._events.working(session._read, *waits):
            with SESSIONS.holding(line.base_url, call.call_id, session):
                yield session


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
    _pauses: PauseWatch = attrs.field(init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _held: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._frames = AudioFrames(self._audio)
        self._hearing = TurnHearing(self._line.judges, self._line.formats, self._line.secret)
        self._pauses = PauseWatch(
            self._hearing, self._socket, self._events, self._clock, mute_pauses=MUTE_PAUSES
        )

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        self._heard_bytes += len(audio)
        for frame in self._frames.take(audio):
            self._sent_bytes += len(frame)
            await self._socket.send(frame)
        self._events.put(*self._hearing.passed(self._audio.ms_in(self._sent_bytes)))

    async def finalize(self) -> None:
        """The caller has paused: a final comes within two seconds, whatever AssemblyAI does."""
        await self._pauses.pause(self._heard_bytes, self._line.finalize_ms)

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

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _begin(self) -> None:
        """Wait for the first message, which says that it has begun, or why it has not."""
        with ERRORS.translated():
            async with asyncio.timeout(BEGIN_S):
                while not self._hearing.begun:
                    self._events.put(*self._hearing.read(await self._socket.receive()))

    async def _read(self) -> None:
        async for message in self._socket:
            self._pauses.mute = 0
            self._events.put(*self._hearing.read(message))
            if self._hearing.held is not None:
                self._held.set()

    async def _mind_formats(self) -> None:
        """Let go of final words whose punctuation does not come."""
        while True:
            await self._held.wait()
            self._held.clear()
            held = self._hearing.held
            await self._clock.sleep(FORMAT_MS)
            if held is not None and self._hearing.held is held:
                self._events.put(*self._hearing.unformatted())

    async def _keep_alive(self) -> None:
        if every_ms := self._line.keep_alive_ms:
            say = partial(self._socket.send, _socket.KEEP_ALIVE)
            await keep_alive(self._clock, every_ms, lambda: self._sent_bytes, say)
