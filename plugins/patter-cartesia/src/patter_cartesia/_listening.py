"""A session that listens: audio up, events down, whatever Cartesia does or fails to do.

What messages mean is decided by a `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import attrs

from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.live_sessions import LiveSessions
from patter.vendors.options import Query
from patter.vendors.pauses import MUTE_PAUSES, keep_alive
from patter.vendors.sockets import VendorSocket
from patter_cartesia import _socket
from patter_cartesia._errors import ERRORS
from patter_cartesia._positions import Positions

KEEP_ALIVE_MS = 20_000.0
"""How often it is looked whether anything was sent. Cartesia closes sockets that were idle for 5
minutes, others report a minute; whether pings count is not said."""

PAD_MS = 100.0
"""How much silence keeps a socket open; a second of it costs as much as one of speech."""


class Hearing(Protocol):
    """What one of Cartesia's protocols means; *owed* pauses wait for their final.

    *due_ms* is when, on the call's clock, `overdue` is to be asked, None for never. *idle*: there
    is nothing that could still become final.
    """

    owed: int
    due_ms: float | None

    @property
    def idle(self) -> bool: ...

    def paused(self, now_ms: float) -> str | None:
        """The caller has paused: what to send, if anything."""
        ...

    def overdue(self) -> list[STTEvent]:
        """Nothing more has come: what to say in Cartesia's place."""
        ...

    def read(self, message: str | bytes, now_ms: float) -> list[STTEvent]:
        """What *message* means. Raises PatterError."""
        ...


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, and how it says goodbye."""

    account: _socket.Account
    path: str
    query: Query
    goodbye: str


SESSIONS: LiveSessions[ListenSession] = LiveSessions(ERRORS.vendor)


@asynccontextmanager
async def listening(
    line: Line, hearing: Hearing, positions: Positions, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    connected = _socket.connected(line.account, line.path, line.query, line.goodbye)
    async with connected as socket:
        session = ListenSession(socket, hearing, positions, call.clock)
        work = (session._read, session._mind_pauses, session._keep_alive)
        async with session._events.working(*work):
            with SESSIONS.holding(line.account.base_url, call.call_id, session):
                yield session


@attrs.define(eq=False)
class ListenSession:
    """One caller's audio going up, and words coming down."""

    _socket: VendorSocket
    _hearing: Hearing
    _positions: Positions
    _clock: Clock
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _paused_bytes: int = attrs.field(default=0, init=False)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _mute_pauses: int = attrs.field(default=0, init=False)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if audio:
            self._positions.add(len(audio))
            await self._socket.send(audio)

    async def finalize(self) -> None:
        """The caller has paused: a final comes within about a second, whatever Cartesia does."""
        self._events.check_open()
        heard_bytes = self._positions.caller_bytes
        if self._paused_bytes == heard_bytes and self._hearing.idle:
            self._events.put(Transcript("", True))
            return
        self._paused_bytes = heard_bytes
        message = self._hearing.paused(self._clock.ms())
        self._news.set()
        if message is not None:
            await self._socket.send(message)

    async def configure(self, message: str) -> None:
        """Send *message*, a configuration. Raises PatterError when the connection is gone."""
        self._events.check_open()
        await self._socket.send(message)

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _read(self) -> None:
        async for message in self._socket:
            self._mute_pauses = 0
            self._events.put(*self._hearing.read(message, self._clock.ms()))
            self._news.set()

    async def _mind_pauses(self) -> None:
        """Answer in Cartesia's place what it leaves unanswered."""
        while True:
            await self._news.wait()
            self._news.clear()
            while (due_ms := self._hearing.due_ms) is not None:
                if (left_ms := due_ms - self._clock.ms()) > 0:
                    await self._clock.sleep(left_ms)
                else:
                    self._say_overdue()

    def _say_overdue(self) -> None:
        self._mute_pauses += self._hearing.owed > 0
        if self._mute_pauses >= MUTE_PAUSES:
            raise ERRORS.late()
        self._events.put(*self._hearing.overdue())

    async def _keep_alive(self) -> None:
        sent = self._positions
        await keep_alive(self._clock, KEEP_ALIVE_MS, lambda: sent.caller_bytes, self._pad)

    async def _pad(self) -> None:
        audio = self._positions.audio
        silence = audio.silence * (audio.bytes_in(PAD_MS) // audio.sample_bytes)
        self._positions.pad(len(silence))
        await self._socket.send(silence)
