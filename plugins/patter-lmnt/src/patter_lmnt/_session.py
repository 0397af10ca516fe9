"""A session that speaks: one socket for all replies of a call, replaced when it has to be.

A reader takes what comes on the socket, a sender what is to be said, and `say` hands over audio. A
reply that is cut off is reset at LMNT. What a reset does to text that was flushed already is not
documented, so it is believed as far as it is seen: a socket that does not confirm in time, or that
speaks on, is closed, and after that all others are, instead of being reset.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.clock import Clock, Timer
from patter.errors import PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter_lmnt import _wire
from patter_lmnt._line import Line, is_final, opened
from patter_lmnt._options import letters, pieces
from patter_lmnt._progress import Progress
from patter_lmnt._reply import Reply
from patter_lmnt._wav import WavHeader

log = logging.getLogger("patter.lmnt")

CANCEL_MS = 500.0
"""So long LMNT may take to confirm a reset; then its socket is closed."""

STEADY_MS = 5_000.0
"""A socket that lived as long is replaced when it is gone; before, the next reply sees why."""


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    base_url: str
    init: str = attrs.field(repr=False)
    key: str = attrs.field(repr=False)
    timeout_ms: float


@asynccontextmanager
async def speaking(
    voice: Voice, audio: AudioFormat, clock: Clock
) -> AsyncIterator[LMNTSpeechSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    # The pool outlives each socket: the next one finds a client that is warm.
    async with client_pool(), task_scope() as tasks:
        session = LMNTSpeechSession(voice, audio, clock, tasks)
        try:
            await session.ready()
            yield session
        finally:
            await session.end()


@attrs.define(eq=False)
class LMNTSpeechSession:
    """A voice for one call."""

    _voice: Voice
    _audio: AudioFormat
    _clock: Clock
    _tasks: asyncio.TaskGroup
    _line: Line | None = attrs.field(default=None, init=False)
    _lines: set[Line] = attrs.field(factory=set, init=False)
    _reply: Reply | None = attrs.field(default=None, init=False)
    _senders: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _reopening: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _resets: bool = attrs.field(default=True, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this stops LMNT."""
        reply = Reply(Progress(self._audio), self._clock, self._voice.timeout_ms)
        self._reply = reply
        sender = self._tasks.create_task(self._send(text, reply), name="lmnt-send")
        self._senders.add(sender)
        try:
            async for speech in reply.out:
                yield speech
            if reply.failure is not None:
                raise reply.failure
        finally:
            reply.close()
            self._senders.discard(sender)
            sender.cancel()
            # Whoever did not close it in time finds another reply being spoken.
            if self._reply is reply:
                self._reply = None
                if reply.progress.owes:
                    await self._cancel(reply)

    async def ready(self) -> Line:
        """The open socket, free of what was cut off; another one when it is gone.

        Raises PatterError when there is none.
        """
        async with self._opening:
            line = self._line
            if line is not None and line.resetting:
                await line.settled.wait()
            if self._over:
                raise _ended()
            if self._line is None:
                self._line = await self._open()
            return self._line

    async def end(self) -> None:
        """The call is over. What a task would do now might be cancelled before it begins."""
        self._over = True
        for sender in self._senders:
            # Whoever was spoken to may have left without closing the reply.
            sender.cancel()
        if self._reply is not None:
            self._reply.fail(_ended())
        if self._reopening is not None:
            self._reopening.cancel()
        for line in list(self._lines):
            line.settle()
            await self._close(line)

    async def _send(self, text: AsyncIterator[str], reply: Reply) -> None:
        """Send each sentence as it comes; what goes wrong is the reply's failure."""
        try:
            async for sentence in text:
                for piece in filter(letters, pieces(sentence)):
                    line = await self.ready()
                    nonce = line.count()
                    reply.sent(piece, nonce)
                    await line.speak(piece, nonce)
            reply.last()
        except Exception as error:
            reply.fail(error)

    async def _open(self) -> Line:
        voice = self._voice
        line = await opened(voice.base_url, voice.init, voice.key, self._clock.ms())
        self._lines.add(line)
        line.reader = self._tasks.create_task(self._read(line), name="lmnt-read")
        return line

    async def _read(self, line: Line) -> None:
        try:
            async for message in line.socket:
                self._take(line, message)
        except PatterError as error:
            self._lose(line, error)

    def _take(self, line: Line, raw: str | bytes) -> None:
        if isinstance(raw, bytes):
            self._hear(line, raw)
            return
        message = _wire.decode(raw, self._voice.key)
        if message.kind == _wire.RESET and message.nonce == line.resetting:
            line.settle()
        elif message.kind == _wire.FLUSHED and message.nonce in line.stale:
            self._spoke_on(line)
        elif (reply := self._listening(line)) is not None:
            if message.kind == _wire.TIMESTAMPS:
                reply.time(message.tokens)
            elif message.kind == _wire.FLUSHED:
                line.header = WavHeader()
                reply.flushed(message.nonce)

    def _hear(self, line: Line, chunk: bytes) -> None:
        reply = self._listening(line)
        if reply is not None and reply.progress.owes:
            if audio := line.header.strip(chunk):
                reply.hear(audio)
        elif line.stale:
            self._spoke_on(line)

    def _listening(self, line: Line) -> Reply | None:
        """Whose what comes on *line* now is; one that waits for a reset is owed nothing yet."""
        return self._reply if line is self._line else None

    def _spoke_on(self, line: Line) -> None:
        """LMNT speaks what it was to forget. Before it has confirmed that is to be expected."""
        if line.resetting or line.dropped:
            return
        log.warning("LMNT went on with a reply that was reset; sockets are closed instead")
        self._resets = False
        if (reply := self._listening(line)) is not None and reply.progress.owes:
            # What was heard may have been the other reply's.
            reply.fail(PatterConnectionError("LMNT mixed two replies", fix="try again"))
        self._replace(line)

    async def _cancel(self, reply: Reply) -> None:
        """Have LMNT stop speaking. Where it may not be able to, its socket is closed."""
        line = self._line
        if line is None or self._over:
            return
        if reply.stalled or not self._resets:
            self._replace(line)
            return
        try:
            async with asyncio.timeout(CANCEL_MS / 1_000):
                await line.reset(reply.progress.nonces, self._watch(line))
        except (PatterError, TimeoutError):
            self._replace(line)

    def _watch(self, line: Line) -> Callable[[int], Timer]:
        """What sets the timer of a reset on *line*."""

        def unconfirmed(nonce: int) -> None:
            if line.resetting == nonce:
                log.warning("LMNT did not confirm a reset; its socket is closed")
                self._replace(line)

        return lambda nonce: self._clock.at(
            self._clock.ms() + CANCEL_MS, lambda: unconfirmed(nonce)
        )

    def _lose(self, line: Line, error: PatterError) -> None:
        """The socket is gone: whoever speaks has failed; else another one is opened meanwhile."""
        ours, reply = line is self._line, self._listening(line)
        self._drop(line)
        if not ours:
            return
        if reply is not None and reply.progress.owes:
            reply.fail(error)
        elif not is_final(error) and self._clock.ms() - line.opened_ms >= STEADY_MS:
            self._reopen()

    def _replace(self, line: Line) -> None:
        """Close *line*, and have another one ready: what interrupts a reply is answered soon."""
        if line is self._line:
            self._drop(line)
            self._reopen()

    def _reopen(self) -> None:
        if not self._over:
            self._reopening = self._tasks.create_task(self._open_ahead(), name="lmnt-reopen")

    async def _open_ahead(self) -> None:
        try:
            await self.ready()
        except PatterError as error:
            log.info("LMNT is out of reach between two replies: %s", error.message)

    def _drop(self, line: Line) -> None:
        """Use *line* no more."""
        if line is self._line:
            self._line = None
        line.settle()
        if not line.dropped:
            line.dropped = True
            self._tasks.create_task(self._close(line), name="lmnt-close")

    async def _close(self, line: Line) -> None:
        await line.close()
        self._lines.discard(line)


def _ended() -> PatterConnectionError:
    return PatterConnectionError("this session of LMNT has ended", fix="open another one")
