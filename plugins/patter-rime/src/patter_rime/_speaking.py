"""A session that speaks: one socket for all replies of a call, replaced when it has to be.

A reader takes what comes on the socket, a sender what is to be said, and `say` hands over audio.
The next sentence is sent when Rime is done with the one before: sentences that are flushed while
another is spoken it joins to one, and no longer forgets when it is told to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.clock import Clock, Timer
from patter.errors import PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter.vendors.options import Query
from patter.vendors.sockets import VendorSocket
from patter_rime import _socket, _wire
from patter_rime._errors import of_message
from patter_rime._reply import Reply, Utterance

log = logging.getLogger("patter_rime")

CANCEL_MS = 500.0
"""So long Rime may go on with a sentence that nobody wants; then its socket is closed."""

STEADY_MS = 5_000.0
"""A socket that lived as long is replaced when it is gone; before, the next reply sees why."""


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    url: str
    query: Query
    key: str = attrs.field(repr=False)
    timeout_ms: float


@asynccontextmanager
async def speaking(voice: Voice, audio: AudioFormat, clock: Clock) -> AsyncIterator[RimeSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    # The pool outlives each socket: the next one finds a client that is warm.
    async with client_pool(), task_scope() as tasks:
        session = RimeSession(voice, audio, clock, tasks)
        try:
            await session._ready()
            yield session
        finally:
            await session._close()


@attrs.define(eq=False)
class _Line:
    """A socket, and the utterance on it that nobody wants any more, until Rime is done with it.

    *closing* leaves the socket, once however many want to.
    """

    socket: VendorSocket
    closing: AsyncExitStack
    opened_ms: float
    reader: asyncio.Task[None] | None = None
    dropped: bool = False
    unwanted: Utterance | None = None
    settled: asyncio.Event = attrs.field(factory=asyncio.Event)
    timer: Timer | None = None


@attrs.define(eq=False)
class RimeSession:
    """A voice for one call."""

    _voice: Voice
    _audio: AudioFormat
    _clock: Clock
    _tasks: asyncio.TaskGroup
    _line: _Line | None = attrs.field(default=None, init=False)
    _lines: set[_Line] = attrs.field(factory=set, init=False)
    _reply: Reply | None = attrs.field(default=None, init=False)
    _sender: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _contexts: count[int] = attrs.field(factory=lambda: count(1), init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _reopening: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this stops Rime, and so does another reply.

        Raises PatterError when Rime fails, and what *text* raises.
        """
        if (before := self._reply) is not None:
            await self._stop()
            before.fail(_superseded())
        reply = self._reply = Reply(self._audio, self._clock, self._voice.timeout_ms)
        self._sender = self._tasks.create_task(self._send(text, reply), name="rime-send")
        try:
            async for speech in reply.out:
                yield speech
            if reply.failure is not None:
                raise reply.failure
        finally:
            # Who left a reply unclosed may have begun another before this is reached.
            if self._reply is reply:
                await self._stop()

    async def _stop(self) -> None:
        """End the reply that there is."""
        reply, self._reply = self._reply, None
        if self._sender is not None:
            self._sender.cancel()
        if reply is not None:
            reply.close()
            await self._leave(reply)

    async def _send(self, text: AsyncIterator[str], reply: Reply) -> None:
        """Send each sentence in its turn; what goes wrong is the reply's failure."""
        try:
            async for sentence in text:
                for piece in _wire.pieces(sentence):
                    await self._send_piece(piece, reply)
                    if reply.failure is not None:
                        return
            reply.close()
        except Exception as error:
            reply.fail(error)

    async def _send_piece(self, piece: str, reply: Reply) -> None:
        """Have *piece* spoken, to its end."""
        line = await self._ready()
        utterance = reply.begin(piece, f"utterance-{next(self._contexts)}")
        await line.socket.send(_wire.text(piece, utterance.context))
        await line.socket.send(_wire.FLUSH)
        utterance.flushed = True
        await reply.quiet.wait()

    async def _ready(self) -> _Line:
        """The open socket, on which nothing is spoken; another one when it is gone."""
        async with self._opening:
            line = self._line
            if line is not None and line.unwanted is not None:
                await line.settled.wait()
            if self._over:
                raise _ended()
            if self._line is None:
                self._line = await self._open()
            return self._line

    async def _open(self) -> _Line:
        voice, closing = self._voice, AsyncExitStack()
        opened = _socket.connected(voice.url, voice.query, voice.key)
        socket = await closing.enter_async_context(opened)
        line = _Line(socket, closing, self._clock.ms())
        self._lines.add(line)
        line.reader = self._tasks.create_task(self._read(line), name="rime-read")
        return line

    async def _read(self, line: _Line) -> None:
        try:
            async for message in line.socket:
                if (event := _wire.read(message)) is not None:
                    self._take(line, event)
        except PatterError as error:
            self._lose(line, error)

    def _take(self, line: _Line, message: _wire.Message) -> None:
        if isinstance(message, _wire.Failure):
            raise of_message(message.words, self._voice.key)
        if line.unwanted is not None:
            if isinstance(message, _wire.Done) and line.unwanted.is_meant(message):
                self._settle(line)
        elif line is self._line and self._reply is not None:
            self._reply.take(message)

    async def _leave(self, reply: Reply) -> None:
        """Have Rime stop speaking: its buffer is cleared, and what it has begun is not waited for.

        It ends a sentence that it has begun in any case, often before it could have been played.
        """
        line, owed = self._line, reply.owed
        if owed is None or line is None or self._over:
            return
        if reply.failure is not None or not owed.flushed:
            self._replace(line)
            return
        line.unwanted = owed
        line.settled.clear()
        line.timer = self._clock.at(self._clock.ms() + CANCEL_MS, lambda: self._replace(line))
        try:
            await line.socket.send(_wire.CLEAR)
        except PatterError:
            self._replace(line)

    def _settle(self, line: _Line) -> None:
        line.unwanted = None
        line.settled.set()
        if line.timer is not None:
            line.timer.cancel()

    def _lose(self, line: _Line, error: PatterError) -> None:
        """The socket is of no use any more: whoever speaks has failed, the next finds another."""
        reply = self._reply if line is self._line else None
        if self._clock.ms() - line.opened_ms >= STEADY_MS or line.unwanted is not None:
            self._replace(line)
        else:
            self._drop(line)
        if reply is not None and reply.owed is not None:
            reply.fail(error)
        else:
            log.info("the socket to Rime is gone between two sentences: %s", error.message)

    def _replace(self, line: _Line) -> None:
        """Close *line*, and have another one ready: what interrupts a reply is answered soon."""
        if line is self._line:
            self._drop(line)
            if not self._over:
                self._reopening = self._tasks.create_task(self._reopen(), name="rime-reopen")

    async def _reopen(self) -> None:
        try:
            await self._ready()
        except PatterError as error:
            log.info("Rime is out of reach between two replies: %s", error.message)

    def _drop(self, line: _Line) -> None:
        """Use *line* no more."""
        if line is self._line:
            self._line = None
        self._settle(line)
        if not line.dropped:
            line.dropped = True
            self._tasks.create_task(self._hang_up(line), name="rime-close")

    async def _hang_up(self, line: _Line) -> None:
        line.dropped = True
        if line.reader is not None:
            line.reader.cancel()
        await line.closing.aclose()
        self._lines.discard(line)

    async def _close(self) -> None:
        """The call is over. What a task would do now might be cancelled before it begins."""
        self._over = True
        if self._reopening is not None:
            self._reopening.cancel()
        if self._sender is not None:
            # Whoever was spoken to may have left without closing the reply.
            self._sender.cancel()
        if self._reply is not None:
            self._reply.fail(_ended())
        for line in list(self._lines):
            self._settle(line)
            await self._hang_up(line)


def _superseded() -> PatterConnectionError:
    return PatterConnectionError("another reply began", fix="close a reply before the next")


def _ended() -> PatterConnectionError:
    return PatterConnectionError("this session of Rime has ended", fix="open another one")
