"""A session that listens: audio up, events down, whatever Deepgram does or fails to do.

What messages mean is decided by a `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

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
from patter_deepgram import _socket
from patter_deepgram._errors import ERRORS
from patter_deepgram._nova import Configured

KEEP_ALIVE_MS = 4_000.0
"""Deepgram hangs up after 10 s without audio or this, and recommends 3 to 5 s."""

LEAD_MS = 20.0
"""It hangs up all the same when no audio ever came, so a call that begins mute sends so much."""

HURRIED_MS = 1_000.0
CONFIGURE_S = 3.0
MUTE_PAUSES = 3
"""After so many pauses in a row without any message the recogniser is gone, however open its
socket: answering in its place for ever would keep the call from reconnecting."""


class Hearing(Protocol):
    """What one of Deepgram's protocols means; *owed* pauses wait for their final."""

    owed: int
    lead_ms: float

    def paused(self) -> str | None:
        """The caller has paused: what to send."""
        ...

    def hurry(self) -> str | None:
        """The final did not come in time: what to send, if anything helps."""
        ...

    def overdue(self) -> list[STTEvent]:
        """It still did not come: what to say in Deepgram's place."""
        ...

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
    async with connected as socket, task_scope() as tasks:
        session = ListenSession(socket, line, hearing, audio, call.clock)
        work = {
            "deepgram-read": session._read,
            "deepgram-pauses": session._mind_pauses,
            "deepgram-keep-alive": session._keep_alive,
        }
        running = [tasks.create_task(session._until(do), name=name) for name, do in work.items()]
        try:
            with SESSIONS.holding(line.url, call.call_id, session):
                yield session
        finally:
            session._end()
            for task in running:
                task.cancel()


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
    _sent_bytes: int = attrs.field(default=0, init=False)
    _paused_bytes: int = attrs.field(default=0, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)
    _pause: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _mute_pauses: int = attrs.field(default=0, init=False)
    _configuring: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _configured: asyncio.Future[Configured] | None = attrs.field(default=None, init=False)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if not audio:
            return  # to Deepgram, nothing at all is the end of the stream
        self._sent_bytes += len(audio)
        await self._socket.send(audio)

    async def finalize(self) -> None:
        """The caller has paused: a final comes within about a second, whatever Deepgram does."""
        self._events.check_open()
        if self._paused_bytes == self._sent_bytes and not self._hearing.owed:
            self._events.put(Transcript("", True))
            return
        self._paused_bytes = self._sent_bytes
        message = self._hearing.paused()
        self._due_ms = self._clock.ms() + self._line.finalize_ms
        self._pause.set()
        if message is not None:
            await self._socket.send(message)

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

    async def _until(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* for as long as the session lasts; its failure is for whoever waits."""
        await self._events.guarded(work)
        if (why := self._events.over) is not None:
            self._answer(Configured(why))

    async def _read(self) -> None:
        async for message in self._socket:
            self._mute_pauses = 0
            for event in self._hearing.read(message):
                if isinstance(event, Configured):
                    self._answer(event)
                else:
                    self._events.put(event)

    async def _mind_pauses(self) -> None:
        """Answer in Deepgram's place what it leaves unanswered."""
        while True:
            await self._pause.wait()
            self._pause.clear()
            await self._wait_for_final()
            if message := self._hearing.hurry():
                await self._socket.send(message)
                self._due_ms = self._clock.ms() + HURRIED_MS
                await self._wait_for_final()
            if answers := self._hearing.overdue():
                self._mute_pauses += 1
                if self._mute_pauses >= MUTE_PAUSES:
                    raise ERRORS.late()
            for event in answers:
                self._events.put(event)

    async def _wait_for_final(self) -> None:
        """Let the time pass that Deepgram has for the final of the latest pause."""
        while (left_ms := self._due_ms - self._clock.ms()) > 0:
            await self._clock.sleep(left_ms)

    async def _keep_alive(self) -> None:
        while self._line.keep_alive:
            await self._clock.sleep(KEEP_ALIVE_MS)
            if not self._sent_bytes and not self._hearing.lead_ms:
                self._hearing.lead_ms = LEAD_MS
                samples = self._audio.bytes_in(LEAD_MS) // self._audio.sample_bytes
                await self._socket.send(self._audio.silence * samples)
            elif self._sent_bytes == self._kept_bytes:
                await self._socket.send(self._line.keep_alive)
            self._kept_bytes = self._sent_bytes

    def _answer(self, configured: Configured) -> None:
        if self._configured is not None and not self._configured.done():
            self._configured.set_result(configured)

    def _end(self) -> None:
        """The call is over: nothing is heard any more."""
        self._events.end()
        self._answer(Configured(self._events.over))
