"""A session that listens: audio up, events down, whatever Soniox does or fails to do.

What messages mean is decided by `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import attrs

from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent
from patter.vendors.events import SessionEvents
from patter.vendors.pauses import HURRY_MS, PauseWatch, keep_alive
from patter.vendors.sockets import VendorSocket
from patter_soniox import _socket
from patter_soniox._errors import ERRORS
from patter_soniox._hearing import Hearing

KEEP_ALIVE_MS = 5_000.0
"""Soniox hangs up after 20 s without audio or this, and finds 5 to 10 s usual."""

LEAD_MS = 20
"""It may wait for the first audio in any case, so a call that begins mute sends so much of it."""


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, and with what configuration it starts.

    A pause may be judged for *judge_ms* before it is asked for; None: Soniox judges none.
    """

    base_url: str
    key: str = attrs.field(repr=False)
    start: Mapping[str, object]
    judge_ms: float | None


@asynccontextmanager
async def listening(
    line: Line, audio: AudioFormat, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    connected = _socket.connected(line.base_url, line.key, line.start)
    async with connected as socket:
        session = ListenSession(socket, line, audio, call.clock)
        work = (session._read, session._pauses.run, session._keep_alive)
        async with session._events.working(*(partial(session._until, each) for each in work)):
            yield session


@attrs.define(eq=False)
class ListenSession:
    """One caller's audio going up, and words coming down."""

    _socket: VendorSocket
    _line: Line
    _audio: AudioFormat
    _clock: Clock
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _hearing: Hearing = attrs.field(init=False)
    _pauses: PauseWatch = attrs.field(init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._hearing = Hearing(self._line.judge_ms is not None, self._line.key)
        self._pauses = PauseWatch(self._hearing, self._socket, self._events, self._clock)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if not audio:
            return  # to Soniox, nothing at all is the end of the stream
        self._sent_bytes += len(audio)
        await self._socket.send(audio)

    async def finalize(self) -> None:
        """The caller has paused: a final comes a second after `judge_ms`, whatever Soniox does.

        Without new audio since the last pause, it is empty and comes at once. Raises PatterError
        when the connection is gone.
        """
        await self._pauses.pause(self._sent_bytes, self._line.judge_ms or HURRY_MS)

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _until(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work*; when it fails, what is final is told first, for the call replays the rest."""
        try:
            await work()
        except PatterError:
            self._events.put(*self._hearing.lost())
            raise

    async def _read(self) -> None:
        async for message in self._socket:
            self._pauses.mute = 0
            self._events.put(*self._hearing.read(message))
            if self._hearing.over:
                raise ERRORS.hung_up(None, "finished")

    async def _keep_alive(self) -> None:
        await keep_alive(self._clock, KEEP_ALIVE_MS, lambda: self._sent_bytes, self._stay)

    async def _stay(self) -> None:
        await self._socket.send(_socket.KEEP_ALIVE)
        if not self._sent_bytes and not self._hearing.lead_ms:
            self._hearing.lead_ms = LEAD_MS
            samples = self._audio.bytes_in(LEAD_MS) // self._audio.sample_bytes
            await self._socket.send(self._audio.silence * samples)
