"""A session that listens: audio up, events down, whatever Speechmatics does or fails to do.

What messages mean is decided by `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.errors import CallStateError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.sockets import VendorSocket
from patter_speechmatics import _socket, _wire
from patter_speechmatics._errors import ERRORS
from patter_speechmatics._hearing import Hearing

CONFIRM_MS = 5_000.0
"""Speechmatics confirms each frame of audio when it has read it: who confirms none for so long
reads none, however open its socket."""

MUTE_PAUSES = 3
"""After so many pauses in a row without any message but confirmations nobody listens any more:
answering in its place for ever would keep the call from reconnecting."""


@attrs.frozen(kw_only=True)
class Line:
    """Where one session listens, with which first message, and how long a pause may wait."""

    base_url: str
    key: str = attrs.field(repr=False)
    start: str
    finalize_ms: float


_SESSIONS: WeakValueDictionary[tuple[str, str], ListenSession] = WeakValueDictionary()
"""The session of each call, by where it listens: settings are values, and hold none."""


def session_of(base_url: str, call_id: str) -> ListenSession:
    """The session of a call that is up. Raises CallStateError for another one."""
    session = _SESSIONS.get((base_url, call_id))
    if session is None:
        raise CallStateError(
            f"Speechmatics does not listen on call {call_id}", fix="configure calls that are up"
        )
    return session


@asynccontextmanager
async def listening(
    line: Line, hearing: Hearing, audio: AudioFormat, call: CallContext
) -> AsyncIterator[ListenSession]:
    """Connect, begin, yield a session, and leave no task or socket behind."""
    async with _socket.connected(line.base_url, line.key) as socket, task_scope() as tasks:
        started = await _socket.begun(socket, line.start, line.key)
        hearing.delimiter = started.delimiter
        session = ListenSession(socket, line, hearing, audio, call.clock)
        _SESSIONS[line.base_url, call.call_id] = session
        work = (session._read, session._mind_pauses, session._mind_confirmations)
        running = [
            tasks.create_task(session._events.guarded(each), name="speechmatics") for each in work
        ]
        try:
            yield session
        finally:
            session._events.end()
            if _SESSIONS.get((line.base_url, call.call_id)) is session:
                del _SESSIONS[line.base_url, call.call_id]
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
    _frames: int = attrs.field(default=0, init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _paused_bytes: int = attrs.field(default=0, init=False)
    _confirmed_at_ms: float = attrs.field(default=0.0, init=False)
    _pause: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _mute_pauses: int = attrs.field(default=0, init=False)

    async def send(self, audio: bytes) -> None:
        """Send audio in the session's format. Raises PatterError when the connection is gone."""
        self._events.check_open()
        if not audio:
            return
        if self._hearing.confirmed >= self._frames:
            self._confirmed_at_ms = self._clock.ms()
        self._frames += 1
        self._sent_bytes += len(audio)
        await self._socket.send(audio)
        self._put(self._hearing.passed(self._sent_ms))

    async def finalize(self) -> None:
        """The caller has paused: a final comes within about `finalize_ms`, whatever happens."""
        self._events.check_open()
        if self._paused_bytes == self._sent_bytes and not self._hearing.owed:
            self._events.put(Transcript("", True))
            return
        self._paused_bytes = self._sent_bytes
        message = self._hearing.paused(self._sent_ms)
        turns = self._hearing.turns
        silence_ms = turns.trigger_ms if turns.waits else 0.0
        self._due_ms = self._clock.ms() + silence_ms + self._line.finalize_ms
        self._pause.set()
        if message is not None:
            await self._socket.send(message)

    async def configure(self, config: Mapping[str, object], trigger_s: float | None) -> None:
        """Send *config*; a new *trigger_s*, in seconds, is this side's, too."""
        self._events.check_open()
        await self._socket.send(_wire.configure(config))
        if trigger_s is not None:
            self._hearing.turns.trigger_ms = trigger_s * 1_000

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    @property
    def _sent_ms(self) -> float:
        return self._audio.ms_in(self._sent_bytes)

    async def _read(self) -> None:
        async for message in self._socket:
            confirmed, alive = self._hearing.confirmed, self._hearing.alive
            events = self._hearing.read(message)
            if self._hearing.alive > alive:
                self._mute_pauses = 0
            if self._hearing.confirmed > confirmed:
                self._confirmed_at_ms = self._clock.ms()
            self._put(events)

    async def _mind_pauses(self) -> None:
        """Ask again for what is not answered, then answer in Speechmatics' place."""
        while True:
            await self._pause.wait()
            self._pause.clear()
            await self._wait_for_final()
            if message := self._hearing.hurry(self._sent_ms):
                await self._socket.send(message)
                self._due_ms = self._clock.ms() + self._line.finalize_ms
                await self._wait_for_final()
            if answers := self._hearing.overdue():
                self._mute_pauses += 1
                if self._mute_pauses >= MUTE_PAUSES:
                    raise ERRORS.late()
                self._put(answers)

    async def _wait_for_final(self) -> None:
        """Let the time pass that Speechmatics has for the answer to the latest pause."""
        while (left_ms := self._due_ms - self._clock.ms()) > 0:
            await self._clock.sleep(left_ms)

    async def _mind_confirmations(self) -> None:
        """Notice that audio is not read any more, though the line takes it."""
        while True:
            await self._clock.sleep(CONFIRM_MS / 5)
            waits = self._hearing.confirmed < self._frames
            if waits and self._clock.ms() - self._confirmed_at_ms >= CONFIRM_MS:
                raise ERRORS.late()

    def _put(self, events: list[STTEvent]) -> None:
        for event in events:
            self._events.put(event)
