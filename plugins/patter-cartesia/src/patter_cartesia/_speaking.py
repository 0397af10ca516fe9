"""A session that speaks: one socket for all replies of a call, replaced when it has to be.

A reader takes what comes on the socket, a sender what is to be said, and `say` hands over audio.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
from patter.clock import Clock
from patter.errors import PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter.vendors.sockets import VendorSocket
from patter_cartesia import _socket, _sonic
from patter_cartesia._progress import Progress
from patter_cartesia._reply import Reply
from patter_cartesia._sonic import Done, Failed, Speaking
from patter_cartesia._words import letters

log = logging.getLogger("patter.cartesia")

PATH = "/tts/websocket"
CANCEL_S = 0.3
"""How long a cancel may wait for the line; then the socket is closed."""

IDLE_MS = 270_000.0
"""Cartesia closes a socket that was idle for 5 minutes: another one is ready before."""

KEEP_MS = 10_000.0
STEADY_MS = 5_000.0
"""A socket that lived as long is replaced when it is gone; before, the next reply sees why."""


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    account: _socket.Account
    speaking: Speaking
    timeout_ms: float


@asynccontextmanager
async def speaking(voice: Voice, audio: AudioFormat, clock: Clock) -> AsyncIterator[SpeakSession]:
    """Connect, yield a session, and leave no task or socket behind."""
    # The pool outlives each socket: the next one finds a client that is warm.
    async with client_pool(), task_scope() as tasks:
        session = SpeakSession(voice, audio, clock, tasks)
        keeper = None
        try:
            await session._ready()
            keeper = tasks.create_task(session._keep(), name="cartesia-keep")
            yield session
        finally:
            if keeper is not None:
                keeper.cancel()
            await session._end()


@attrs.define(eq=False)
class _Line:
    """A socket, since when it is open, and when it was last used; *closing* leaves it, once."""

    socket: VendorSocket
    closing: AsyncExitStack
    opened_ms: float
    used_ms: float
    reader: asyncio.Task[None] | None = None
    dropped: bool = False


@attrs.define(eq=False)
class SpeakSession:
    """A voice for one call."""

    _voice: Voice
    _audio: AudioFormat
    _clock: Clock
    _tasks: asyncio.TaskGroup
    _name: str = attrs.field(factory=lambda: uuid4().hex, init=False)
    _contexts: int = attrs.field(default=0, init=False)
    _line: _Line | None = attrs.field(default=None, init=False)
    _lines: set[_Line] = attrs.field(factory=set, init=False)
    _reply: Reply | None = attrs.field(default=None, init=False)
    _working: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this cancels the reply at Cartesia."""
        if self._over:
            raise _ended()
        reply = Reply(Progress(self._audio), self._clock, self._voice.timeout_ms)
        self._reply = reply
        sender = self._work(self._send(text, reply), "cartesia-send")
        try:
            async for speech in reply.out:
                yield speech
            if reply.failure is not None:
                raise reply.failure
        finally:
            # Whoever did not close it in time finds another reply being spoken.
            if self._reply is reply:
                self._reply = None
            reply.close()
            sender.cancel()
            await self._leave(reply)

    async def _send(self, text: AsyncIterator[str], reply: Reply) -> None:
        """Send each sentence as it comes; what goes wrong is the reply's failure."""
        try:
            async for sentence in text:
                await self._speak(reply, sentence.strip())
            await self._finish(reply)
        except Exception as error:
            reply.fail(error)

    async def _speak(self, reply: Reply, *sentences: str) -> None:
        """Send *sentences*, in the reply's context while it lives, else in another one."""
        # Sonic refuses a text in which there is nothing to be heard.
        spoken = [sentence for sentence in sentences if letters(sentence)]
        async with reply.turn:
            for sentence in spoken:
                line = await self._ready()
                if not reply.fresh:
                    self._contexts += 1
                    reply.begin(f"{self._name}-{self._contexts}")
                reply.sent(sentence)
                line.used_ms = self._clock.ms()
                # Texts are joined as they are: the space is between this one and the next.
                await line.socket.send(self._voice.speaking.text(reply.context, f"{sentence} "))
                await line.socket.send(self._voice.speaking.flush(reply.context))

    async def _finish(self, reply: Reply) -> None:
        """There is no further sentence: the context is ended, so that it does not count."""
        async with reply.turn:
            if reply.fresh and self._line is not None:
                reply.ended = True
                await self._line.socket.send(self._voice.speaking.end(reply.context))
            reply.last()

    async def _again(self, reply: Reply, sentences: list[str]) -> None:
        """Say in another context what was sent too late for the one that has expired."""
        try:
            await self._speak(reply, *sentences)
            reply.repeated()
            if reply.complete:
                await self._finish(reply)
        except PatterError as error:
            reply.fail(error)

    async def _ready(self) -> _Line:
        """The open socket; another one when it is gone. Raises PatterError when there is none."""
        async with self._opening:
            if self._over:
                raise _ended()
            if self._line is None:
                self._line = await self._open()
            return self._line

    async def _open(self) -> _Line:
        closing, now_ms = AsyncExitStack(), self._clock.ms()
        socket = await closing.enter_async_context(_socket.connected(self._voice.account, PATH))
        line = _Line(socket, closing, now_ms, now_ms)
        self._lines.add(line)
        line.reader = self._tasks.create_task(self._read(line), name="cartesia-read")
        return line

    async def _read(self, line: _Line) -> None:
        try:
            async for message in line.socket:
                line.used_ms = self._clock.ms()
                if (news := _sonic.decode(message, self._voice.account.key)) is not None:
                    self._take(news)
        except PatterError as error:
            self._lose(line, error)

    def _take(self, news: _sonic.Message) -> None:
        """Give *news* to the reply; what is of another context is of one that was left."""
        reply = self._reply
        if reply is None or not reply.context:
            return
        again = list[str]()
        if isinstance(news, Failed):
            if news.context in (reply.context, ""):
                again = reply.failed(news.error)
        elif news.context == reply.context:
            again = reply.done() if isinstance(news, Done) else reply.take(news)
        if again:
            self._work(self._again(reply, again), "cartesia-again")

    async def _leave(self, reply: Reply) -> None:
        """The reply is over, to its end or not: Cartesia makes no more audio of it."""
        line = self._line
        if line is None or self._over:
            return
        if reply.late:
            # Whatever it is that holds it up holds up the next reply, too.
            self._replace(line)
        elif reply.context and reply.owes:
            try:
                async with asyncio.timeout(CANCEL_S):
                    await line.socket.send(_sonic.cancel(reply.context))
            except (PatterError, TimeoutError):
                self._replace(line)

    async def _keep(self) -> None:
        """Replace a socket before it has been idle for too long."""
        while True:
            await self._clock.sleep(KEEP_MS)
            line = self._line
            idle = line is not None and self._clock.ms() - line.used_ms >= IDLE_MS
            if line is not None and idle and self._reply is None:
                self._replace(line)

    def _lose(self, line: _Line, error: PatterError) -> None:
        """The socket is gone: who is spoken to has lost it, who is next finds another."""
        ours, reply = line is self._line, self._reply
        steady = self._clock.ms() - line.opened_ms >= STEADY_MS
        if ours and reply is not None and reply.progress.owes:
            reply.fail(error)
        if ours and reply is not None:
            reply.context = ""
        if ours and steady:
            self._replace(line)
        else:
            self._drop(line)

    def _replace(self, line: _Line) -> None:
        """Close *line*, and have another one ready: what comes next is spoken at once."""
        self._drop(line)
        if not self._over:
            self._work(self._reopen(), "cartesia-reopen")

    async def _reopen(self) -> None:
        try:
            await self._ready()
        except PatterError as error:
            # Nobody is spoken to: whoever is next connects again, and has the error if any.
            log.info("Cartesia is out of reach between two replies: %s", error.message)

    def _drop(self, line: _Line) -> None:
        """Use *line* no more."""
        if line is self._line:
            self._line = None
        if not line.dropped:
            line.dropped = True
            self._tasks.create_task(self._close(line), name="cartesia-close")

    async def _close(self, line: _Line) -> None:
        line.dropped = True
        if line.reader is not None:
            line.reader.cancel()
        await line.closing.aclose()
        self._lines.discard(line)

    def _work(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Do *work* in a task that does not outlive the session."""
        task = self._tasks.create_task(work, name=name)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    async def _end(self) -> None:
        """The call is over. What a task would do now might be cancelled before it begins."""
        self._over = True
        for task in list(self._working):
            # Who was spoken to may have left without closing the reply.
            task.cancel()
        async with self._opening:
            for line in list(self._lines):
                await self._close(line)


def _ended() -> PatterConnectionError:
    return PatterConnectionError("this session of Cartesia has ended", fix="open another one")
