"""A session that listens: audio up, events down, whatever Soniox does or fails to do.

What messages mean is decided by `Hearing`, which is pure. Here are the socket and the waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.sockets import VendorSocket
from patter_soniox import _socket
from patter_soniox._errors import ERRORS
from patter_soniox._hearing import Hearing

KEEP_ALIVE_MS = 5_000.0
"""Soniox hangs up after 20 s without audio or this, and finds 5 to 10 s usual."""

LEAD_MS = 20
"""It may wait for the first audio in any case, so a call that begins mute sends so much of it."""

ANSWER_MS = 1_000.0
"""How long what was asked for may take; a quarter of a second is usual."""

MUTE_PAUSES = 3
"""After so many pauses in a row without any message the recogniser is gone, however open its
socket: answering in its place for ever would keep the call from reconnecting."""


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
    async with connected as socket, task_scope() as tasks:
        session = ListenSession(socket, line, audio, call.clock)
        work = {
            "soniox-read": session._read,
            "soniox-pauses": session._mind_pauses,
            "soniox-keep-alive": session._keep_alive,
        }
        running = [tasks.create_task(session._until(do), name=name) for name, do in work.items()]
        try:
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
    _events: SessionEvents[STTEvent] = attrs.field(
        factory=lambda: SessionEvents(ERRORS.vendor), init=False
    )
    _hearing: Hearing = attrs.field(init=False)
    _sent_bytes: int = attrs.field(default=0, init=False)
    _paused_bytes: int = attrs.field(default=0, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)
    _pause: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _mute_pauses: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._hearing = Hearing(self._line.judge_ms is not None, self._line.key)

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
        self._events.check_open()
        if self._paused_bytes == self._sent_bytes and not self._hearing.owed:
            self._events.put(Transcript("", True))
            return
        self._paused_bytes = self._sent_bytes
        message = self._hearing.paused()
        self._due_ms = self._clock.ms() + (self._line.judge_ms or ANSWER_MS)
        self._pause.set()
        if message is not None:
            await self._socket.send(message)

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def _until(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* for as long as the session lasts; its failure is for whoever reads."""
        await self._events.guarded(lambda: self._without_loss(work))

    async def _without_loss(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work*; when it fails, what is final is told first, for the call replays the rest."""
        try:
            await work()
        except PatterError:
            self._put(self._hearing.lost())
            raise

    async def _read(self) -> None:
        async for message in self._socket:
            self._mute_pauses = 0
            self._put(self._hearing.read(message))
            if self._hearing.over:
                raise ERRORS.hung_up(None, "finished")

    async def _mind_pauses(self) -> None:
        """Answer in Soniox's place what it leaves unanswered."""
        while True:
            await self._pause.wait()
            self._pause.clear()
            await self._wait_for_final()
            if message := self._hearing.hurry():
                await self._socket.send(message)
                self._due_ms = self._clock.ms() + ANSWER_MS
                await self._wait_for_final()
            if answers := self._hearing.overdue():
                self._mute_pauses += 1
                if self._mute_pauses >= MUTE_PAUSES:
                    raise ERRORS.late()
                self._put(answers)

    async def _wait_for_final(self) -> None:
        """Let the time pass that Soniox has for the final of the latest pause."""
        while (left_ms := self._due_ms - self._clock.ms()) > 0:
            await self._clock.sleep(left_ms)

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(KEEP_ALIVE_MS)
            if self._sent_bytes == self._kept_bytes:
                await self._socket.send(_socket.KEEP_ALIVE)
            if not self._sent_bytes and not self._hearing.lead_ms:
                self._hearing.lead_ms = LEAD_MS
                samples = self._audio.bytes_in(LEAD_MS) // self._audio.sample_bytes
                await self._socket.send(self._audio.silence * samples)
            self._kept_bytes = self._sent_bytes

    def _put(self, events: list[STTEvent]) -> None:
        for event in events:
            self._events.put(event)
