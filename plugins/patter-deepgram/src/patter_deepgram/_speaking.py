"""A session that speaks: one socket for all replies of a call, replaced when it has to be.

A reader takes what comes on the socket, a sender what is to be said, and `say` hands over audio.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.clock import Clock, Timer
from patter.errors import PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter.vendors.options import Query
from patter.vendors.sockets import VendorSocket, decoded
from patter_deepgram import _socket, _speak
from patter_deepgram._errors import ERRORS, failed

log = logging.getLogger("patter.deepgram")

CANCEL_MS = 500.0
"""So long Deepgram may take to confirm that it has stopped; then its socket is closed."""

CHUNKS = 20_000


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    dialect: _speak.Dialect
    base_url: str
    query: Query
    key: str = attrs.field(repr=False)
    timeout_ms: float


@asynccontextmanager
async def speaking(voice: Voice, audio: AudioFormat, clock: Clock) -> AsyncIterator[SpeakSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    # The pool outlives each socket: the next one finds a client that is warm.
    async with client_pool(), task_scope() as tasks:
        session = SpeakSession(voice, audio, clock, tasks)
        try:
            await session._ready()
            yield session
        finally:
            await session._end()


@attrs.define(eq=False)
class _Line:
    """A socket, what it still takes, and whether a cancel on it waits for its confirmation.

    *closing* leaves it, once however many want to.
    """

    socket: VendorSocket
    closing: AsyncExitStack
    budget: _speak.Budget
    reader: asyncio.Task[None] | None = None
    dropped: bool = False
    cancelling: bool = False
    settled: asyncio.Event = attrs.field(factory=asyncio.Event)
    timer: Timer | None = None


@attrs.define(eq=False)
class _Reply:
    """What was sent of one reply and what came of it; *out* ends with the reply, or its failure."""

    progress: _speak.Progress
    clock: Clock
    timeout_ms: float
    out: Mailbox[Speech] = attrs.field(factory=lambda: Mailbox(CHUNKS, Full.REFUSE), init=False)
    failure: BaseException | None = attrs.field(default=None, init=False)
    complete: bool = attrs.field(default=False, init=False)
    quiet: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _news_ms: float = attrs.field(default=0.0, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)

    def sent(self, text: str) -> None:
        self.progress.sent(text)
        self.quiet.clear()
        self._news_ms = self.clock.ms()
        self._watch()

    def audio(self, chunk: bytes) -> None:
        self._news_ms = self.clock.ms()
        speech = self.progress.audio(chunk)
        if speech is not None and not self.out.put(speech):
            self.fail(PatterConnectionError("nobody takes the audio", fix="read what is said"))

    def ended(self) -> None:
        """Deepgram has told the end of a sentence."""
        self._news_ms = self.clock.ms()
        if not self.progress.ended():
            self.fail(
                PatterConnectionError("Deepgram sent no audio for a sentence", fix="try again")
            )
        elif not self.progress.owes:
            self.quiet.set()
            if self.complete:
                self.close()

    def last(self) -> None:
        """There is no further sentence."""
        self.complete = True
        if not self.progress.owes:
            self.close()

    def fail(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        self.out.close()
        self.quiet.set()
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self) -> None:
        """Look again when Deepgram, which owes audio, may have been silent for too long."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.at(self._news_ms + self.timeout_ms, self._look)

    def _look(self) -> None:
        if self.clock.ms() - self._news_ms + 1 < self.timeout_ms:
            self._watch()
        elif self.progress.owes:
            self.fail(ERRORS.late())


@attrs.define(eq=False)
class SpeakSession:
    """A voice for one call."""

    _voice: Voice
    _audio: AudioFormat
    _clock: Clock
    _tasks: asyncio.TaskGroup
    _line: _Line | None = attrs.field(default=None, init=False)
    _lines: set[_Line] = attrs.field(factory=set, init=False)
    _reply: _Reply | None = attrs.field(default=None, init=False)
    _senders: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _reopening: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this stops Deepgram."""
        reply = _Reply(
            _speak.Progress(self._audio.sample_bytes), self._clock, self._voice.timeout_ms
        )
        self._reply = reply
        sender = self._tasks.create_task(self._send(text, reply), name="deepgram-send")
        self._senders.add(sender)
        try:
            async for speech in reply.out:
                yield speech
            if reply.failure is not None:
                raise reply.failure
        finally:
            reply.close()
            sender.cancel()
            self._senders.discard(sender)
            # Whoever did not close it in time finds another reply being spoken.
            if self._reply is reply:
                self._reply = None
                if reply.progress.owes:
                    await self._cancel(reply)

    async def _send(self, text: AsyncIterator[str], reply: _Reply) -> None:
        """Send each sentence as it comes; what goes wrong is the reply's failure."""
        try:
            async for sentence in text:
                for piece in _speak.pieces(sentence, self._voice.dialect.longest):
                    await self._send_piece(piece, reply)
            reply.last()
        except Exception as error:
            reply.fail(error)

    async def _send_piece(self, piece: str, reply: _Reply) -> None:
        line = await self._ready()
        if not line.budget.takes(len(piece), self._clock.ms()):
            if reply.progress.owes:
                await reply.quiet.wait()
            self._drop(line)
            line = await self._ready()
        line.budget.spend(len(piece), self._clock.ms())
        reply.sent(piece)
        await line.socket.send(_speak.speak(piece))
        await line.socket.send(_speak.FLUSH)

    async def _ready(self) -> _Line:
        """The open socket, free of what was cancelled; another one when it is gone."""
        async with self._opening:
            line = self._line
            if line is not None and line.cancelling:
                await line.settled.wait()
            if self._over:
                raise _ended()
            if self._line is None:
                self._line = await self._open()
            return self._line

    async def _open(self) -> _Line:
        voice = self._voice
        url = f"{voice.base_url}{voice.dialect.path}"
        closing = AsyncExitStack()
        socket = await closing.enter_async_context(
            _socket.connected(url, voice.query, voice.key, _speak.CLOSE)
        )
        line = _Line(socket, closing, _speak.Budget(voice.dialect, self._clock.ms()))
        self._lines.add(line)
        line.reader = self._tasks.create_task(self._read(line), name="deepgram-read")
        return line

    async def _read(self, line: _Line) -> None:
        try:
            async for message in line.socket:
                self._take(line, message)
        except PatterError as error:
            self._lose(line, error)

    def _take(self, line: _Line, message: str | bytes) -> None:
        reply = self._reply if line is self._line and not line.cancelling else None
        if isinstance(message, bytes):
            if reply is not None:
                reply.audio(message)
            return
        body, dialect = decoded(message, ERRORS), self._voice.dialect
        kind, (code, words) = str(body.get("type")), _speak.complaint(body)
        if kind == "Error":
            raise failed(code, words)
        if kind == "Warning":
            log.warning("Deepgram warns: %s %s", code, words)
        sign = code if kind == "Warning" else kind
        if line.cancelling and sign in dialect.cancelled:
            self._settle(line)
        elif reply is not None and kind == dialect.ended:
            reply.ended()

    async def _cancel(self, reply: _Reply) -> None:
        """Have Deepgram stop speaking. Where it cannot be told to, its socket is closed."""
        line, dialect = self._line, self._voice.dialect
        if line is None or self._over:
            return
        if not dialect.cancels_all and not (reply.progress.owes == 1 and reply.progress.heard):
            self._replace(line)
            return
        line.cancelling = True
        line.settled.clear()
        line.timer = self._clock.at(self._clock.ms() + CANCEL_MS, lambda: self._replace(line))
        try:
            await line.socket.send(dialect.cancel)
        except PatterError:
            self._replace(line)

    def _settle(self, line: _Line) -> None:
        line.cancelling = False
        line.settled.set()
        if line.timer is not None:
            line.timer.cancel()

    def _lose(self, line: _Line, error: PatterError) -> None:
        """The socket is gone: whoever speaks next opens another, whoever speaks has failed."""
        ours = line is self._line
        self._drop(line)
        if ours and self._reply is not None and self._reply.progress.owes:
            self._reply.fail(error)

    def _replace(self, line: _Line) -> None:
        """Close *line*, and have another one ready: what interrupts a reply is answered soon."""
        if line is self._line:
            self._drop(line)
            if not self._over:
                self._reopening = self._tasks.create_task(self._reopen(), name="deepgram-reopen")

    async def _reopen(self) -> None:
        try:
            await self._ready()
        except PatterError as error:
            log.info("Deepgram is out of reach between two replies: %s", error.message)

    def _drop(self, line: _Line) -> None:
        """Use *line* no more."""
        if line is self._line:
            self._line = None
        self._settle(line)
        if not line.dropped:
            line.dropped = True
            self._tasks.create_task(self._close(line), name="deepgram-close")

    async def _close(self, line: _Line) -> None:
        line.dropped = True
        if line.reader is not None:
            line.reader.cancel()
        await line.closing.aclose()
        self._lines.discard(line)

    async def _end(self) -> None:
        """The call is over. What a task would do now might be cancelled before it begins."""
        self._over = True
        if self._reopening is not None:
            self._reopening.cancel()
        for sender in self._senders:
            # Whoever was spoken to may have left without closing the reply.
            sender.cancel()
        for line in list(self._lines):
            self._settle(line)
            await self._close(line)


def _ended() -> PatterConnectionError:
    return PatterConnectionError("this session of Deepgram has ended", fix="open another one")
