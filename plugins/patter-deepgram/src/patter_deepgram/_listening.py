"""A session that listens: audio up, events down, whatever Deepgram does or fails to do.

What messages mean is decided by a `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent
from patter.vendors.events import SessionEvents
from patter.vendors.live_sessions import LiveSessions
from patter.vendors.options import Query
from patter.vendors.pauses import PauseHearing, PauseWatch, keep_alive
from patter.vendors.sockets import VendorSocket
from patter_deepgram import _socket
from patter_deepgram._errors import ERRORS
from patter_deepgram._nova import Configured

KEEP_ALIVE_MS = 4_000.0
"""Deepgram hangs up after 10 s without audio or this, and recommends 3 to 5 s."""

LEAD_MS = 20.0
"""It hangs up all the same when no audio ever came, so a call that begins mute sends so much."""

CONFIGURE_S = 3.0


class Hearing(PauseHearing, Protocol):
    """What one of Deepgram's protocols means."""

    lead_ms: float

    def read(self, message: str | bytes) -> list[STTEvent | Configured]:
        """What *message* means. Raises PatterError."""
        ...


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, how it stays open, and how it says goodbye."""

    url: str
    query: Query
    key: str = attrs.field(repr=False)
    finalize_ms: float
    keep_alive: str
    goodbye: str


SESSIONS: LiveSessions[ListenSession] = LiveSessions(ERRORS.vendor)


@asynccontextmanager
async def listening(
    line: Line, hearing: Hearing, audio: AudioFormat, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    connected = _socket.connected(line.url, line.query, line.key, line.goodbye)
    async with connected as socket:
        session = ListenSession(socket, line, hearing, audio, call.clock)
        work = (session._read, session._pauses.run, session._keep_alive)
        async with session._events.working(*(partial(session._until, each) for each in work)):
            with SESSIONS.holding(line.url, call.call_id, session):
                yield session


@attrs.define(eq=False)
class ListenSession:
    """One caller's audio going up, and words coming down."""

    _socket: VendorSocket
    _line: Line
    _hearing: Hearing
    _audio: AudioFormat
    _clock: Clock
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _pauses: PauseWatch = attrs.field(init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _configuring: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _configured: asyncio.Future[Configured] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._pauses = PauseWatch(self._hearing, self._socket, self._events, self._clock)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if not audio:
            return  # to Deepgram, nothing at all is the end of the stream
        self._sent_bytes += len(audio)
        await self._socket.send(audio)

    async def finalize(self) -> None:
        """The caller has paused: a final comes within about a second, whatever Deepgram does."""
        await self._pauses.pause(self._sent_bytes, self._line.finalize_ms)

    async def configure(self, message: str) -> None:
        """Send *message*, a configuration, and wait until Deepgram has taken it.

        Raises PatterConfigError or another PatterError when it does not.
        """
        async with self._configuring:
            self._events.check_open()
            self._configured = asyncio.get_running_loop().create_future()
            await self._socket.send(message)
            with ERRORS.translated():
                async with asyncio.timeout(CONFIGURE_S):
                    answer = await self._configured
            if answer.refused is not None:
                raise answer.refused

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _until(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* for as long as the session lasts; its failure is for whoever waits."""
        try:
            await self._events.guarded(work)
        finally:
            if (why := self._events.over) is not None:
                self._answer(Configured(why))

    async def _read(self) -> None:
        async for message in self._socket:
            self._pauses.mute = 0
            for event in self._hearing.read(message):
                if isinstance(event, Configured):
                    self._answer(event)
                else:
                    self._events.put(event)

    async def _keep_alive(self) -> None:
        if self._line.keep_alive:
            await keep_alive(self._clock, KEEP_ALIVE_MS, lambda: self._sent_bytes, self._stay)

    async def _stay(self) -> None:
        if self._sent_bytes or self._hearing.lead_ms:
            await self._socket.send(self._line.keep_alive)
            return
        self._hearing.lead_ms = LEAD_MS
        samples = self._audio.bytes_in(LEAD_MS) // self._audio.sample_bytes
        await self._socket.send(self._audio.silence * samples)

    def _answer(self, configured: Configured) -> None:
        if self._configured is not None and not self._configured.done():
            self._configured.set_result(configured)
