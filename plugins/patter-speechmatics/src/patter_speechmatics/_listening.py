"""A session that listens: audio up, events down, whatever Speechmatics does or fails to do.

What messages mean is decided by `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent
from patter.vendors.events import SessionEvents
from patter.vendors.live_sessions import LiveSessions
from patter.vendors.pauses import PauseWatch
from patter.vendors.sockets import VendorSocket
from patter_speechmatics import _socket, _wire
from patter_speechmatics._errors import ERRORS
from patter_speechmatics._hearing import Hearing

CONFIRM_MS = 5_000.0
"""Speechmatics confirms each frame of audio when it has read it: who confirms none for so long
reads none, however open its socket."""


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, with which first message, and how long a pause may wait."""

    base_url: str
    key: str = attrs.field(repr=False)
    start: str
    finalize_ms: float


SESSIONS: LiveSessions[ListenSession] = LiveSessions(ERRORS.vendor)


@asynccontextmanager
async def listening(
    line: Line, hearing: Hearing, audio: AudioFormat, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, begin, yield a session, and leave no task or socket behind."""
    async with _socket.connected(line.base_url, line.key) as socket, task_scope() as tasks:
        started = await _socket.begun(socket, line.start, line.key)
        hearing.delimiter = started.delimiter
        session = ListenSession(socket, line, hearing, audio, call.clock)
        work = (session._read, session._pauses.run, session._mind_confirmations)
        running = [
            tasks.create_task(session._events.guarded(each), name="speechmatics") for each in work
        ]
        try:
            with SESSIONS.holding(line.base_url, call.call_id, session):
                yield session
        finally:
            session._events.end()
            for task in running:
                task.cancel()
            await socket.leave(_wire.end_of_stream(session._frames))


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
    _frames: int = attrs.field(default=0, init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _confirmed_at_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._pauses = PauseWatch(
            self._hearing, self._socket, self._events, self._clock, self._line.finalize_ms
        )

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if not audio:
            return
        if self._hearing.confirmed >= self._frames:
            self._confirmed_at_ms = self._clock.ms()
        self._frames += 1
        self._sent_bytes += len(audio)
        self._hearing.sent_ms = self._audio.ms_in(self._sent_bytes)
        await self._socket.send(audio)
        self._events.put(*self._hearing.passed())

    async def finalize(self) -> None:
        """The caller has paused: a final comes within about `finalize_ms`, whatever happens."""
        turns = self._hearing.turns
        silence_ms = turns.trigger_ms if turns.waits else 0.0
        await self._pauses.pause(self._sent_bytes, silence_ms + self._line.finalize_ms)

    async def configure(self, config: Mapping[str, object], trigger_s: float | None) -> None:
        """Send *config*; a new *trigger_s*, in seconds, is this side's, too."""
        self._events.check_open()
        await self._socket.send(_wire.configure(config))
        if trigger_s is not None:
            self._hearing.turns.trigger_ms = trigger_s * 1_000

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _read(self) -> None:
        async for message in self._socket:
            confirmed, alive = self._hearing.confirmed, self._hearing.alive
            events = self._hearing.read(message)
            if self._hearing.alive > alive:
                self._pauses.mute = 0
            if self._hearing.confirmed > confirmed:
                self._confirmed_at_ms = self._clock.ms()
            self._events.put(*events)

    async def _mind_confirmations(self) -> None:
        """Notice that audio is not read any more, though the line takes it."""
        while True:
            await self._clock.sleep(CONFIRM_MS / 5)
            waits = self._hearing.confirmed < self._frames
            if waits and self._clock.ms() - self._confirmed_at_ms >= CONFIRM_MS:
                raise ERRORS.late()
