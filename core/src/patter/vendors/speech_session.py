"""A voice that speaks all replies of a call on one socket, which is replaced when it has to be.

A plugin's `SpeechSession` knows its vendor's messages, its `SpeechReply` what is owed of a reply.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import ClassVar, Generic, Self, TypeVar

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.client_pool import client_pool
from patter.clock import Clock, Timer
from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter.vendors.errors import VendorErrors
from patter.vendors.sockets import VendorSocket

L = TypeVar("L", bound="SpeechLine")
R = TypeVar("R", bound="SpeechReply")
log = logging.getLogger("patter.vendors")

CANCEL_MS = 500.0
"""How long a vendor may take to stop speaking; then its socket is closed."""

STEADY_MS = 5_000.0
"""A socket that lived as long is replaced when it is gone; before, the next reply sees why."""

MOST_UNREAD = 20_000
"""Pieces of a reply that nobody has read; hours of audio."""

_FOR_GOOD = frozenset({ErrorCode.AUTH, ErrorCode.CONFIG})
"""Another socket would be refused as this one was."""


@attrs.define(eq=False)
class SpeechLine:
    """A socket; while it is not *quiet*, what comes on it is of a reply that was cancelled."""

    socket: VendorSocket
    opened_ms: float = attrs.field(default=0.0, init=False)
    quiet: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    closing: AsyncExitStack = attrs.field(factory=AsyncExitStack, init=False)
    reader: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    timer: Timer | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.quiet.set()

    def settle(self) -> None:
        """The vendor has stopped, or is waited for no more."""
        self.quiet.set()
        if self.timer is not None:
            self.timer.cancel()

    async def close(self) -> None:
        """Leave the socket, once however many want to."""
        if self.reader is not None:
            self.reader.cancel()
        await self.closing.aclose()


@attrs.define(eq=False)
class SpeechReply(ABC):
    """One reply; *out* ends with it, or with its *failure*.

    It fails, *late*, when something is owed and there is no `news` for *timeout_ms*. *complete*:
    all of its text is sent.
    """

    errors: ClassVar[VendorErrors]
    clock: Clock
    timeout_ms: float
    out: Mailbox[Speech] = attrs.field(
        factory=lambda: Mailbox(MOST_UNREAD, Full.REFUSE), init=False
    )
    failure: Exception | None = attrs.field(default=None, init=False)
    late: bool = attrs.field(default=False, init=False)
    complete: bool = attrs.field(default=False, init=False)
    news_ms: float = attrs.field(default=0.0, init=False)
    sender: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)

    @property
    @abstractmethod
    def owes(self) -> bool:
        """May audio still come of what was sent?"""

    def news(self) -> None:
        """Something was sent, or has come."""
        self.news_ms = self.clock.ms()
        if self._timer is None:
            self._watch()

    def put(self, speech: Speech | None) -> None:
        """Hand over what has come; the reply fails when nobody takes it."""
        if speech is not None and not self.out.put(speech):
            self.fail(PatterConnectionError("nobody takes the audio", fix="read what is said"))

    def last(self) -> None:
        """There is no further sentence."""
        self.complete = True
        self.settle()

    def settle(self) -> None:
        """End the reply, if it is complete and nothing is owed."""
        if self.complete and not self.owes:
            self.close()

    def lose(self, error: PatterError) -> None:
        """The socket is gone, and what is owed with it."""
        if self.owes:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """It is over; the first error counts."""
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        """Nothing more comes out."""
        self.out.close()
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self) -> None:
        self._timer = self.clock.at(self.news_ms + self.timeout_ms, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self.owes:
            return
        # A timer may ring a little early.
        if self.clock.ms() - self.news_ms + 1 < self.timeout_ms:
            self._watch()
        else:
            self.late = True
            self.fail(self.errors.late())


@attrs.define(eq=False)
class SpeechSession(ABC, Generic[L, R]):
    """A voice for one call: its *line* and the *reply* that is spoken, if any."""

    errors: ClassVar[VendorErrors]
    clock: Clock
    line: L | None = attrs.field(default=None, init=False)
    reply: R | None = attrs.field(default=None, init=False)
    _tasks: asyncio.TaskGroup = attrs.field(init=False)
    _working: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _lines: set[L] = attrs.field(factory=set, init=False)
    _opening: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _over: bool = attrs.field(default=False, init=False)

    @abstractmethod
    def connect(self) -> AbstractAsyncContextManager[L]:
        """A line that is ready to speak. Entering raises PatterError."""

    @abstractmethod
    def take(self, line: L, message: str | bytes) -> None:
        """Read what has come. What it raises, a PatterError, is the end of *line*."""

    @abstractmethod
    def begin(self) -> R:
        """A reply of which nothing is sent."""

    @abstractmethod
    async def speak(self, reply: R, sentence: str) -> None:
        """Send *sentence* on the line that is `ready`; what it raises is the reply's failure."""

    @abstractmethod
    async def leave(self, line: L, reply: R) -> None:
        """Stop *reply*, which may be over: `cancel` what the vendor owes, or `replace` *line*."""

    async def finish(self, reply: R) -> None:
        """There is no further sentence."""
        reply.last()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Connect, and leave no task or socket behind. Raises PatterError."""
        # The pool outlives each socket: the next one finds a client that is warm.
        async with client_pool(), task_scope() as self._tasks:
            try:
                await self.ready()
                yield self
            finally:
                await self._end()

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak sentence by sentence; closing this stops the vendor, and so does another reply.

        Raises PatterError when the vendor fails, and what *text* raises.
        """
        if self._over:
            raise self._ended()
        while (before := self.reply) is not None:
            # Audio of the one would be taken for the other's.
            before.fail(PatterConnectionError("another reply began", fix="close one reply first"))
            await self._stop(before)
        reply = self.reply = self.begin()
        reply.sender = self.work(self._send(text, reply))
        try:
            async for speech in reply.out:
                yield speech
            if reply.failure is not None:
                raise reply.failure
        finally:
            # Who left a reply unclosed may have begun another before this is reached.
            if self.reply is reply:
                await self._stop(reply)

    async def ready(self) -> L:
        """The line, when it is quiet; another one when it is gone. Raises PatterError."""
        async with self._opening:
            if self.line is not None:
                await self.line.quiet.wait()
            if self._over:
                raise self._ended()
            if self.line is None:
                self.line = await self._open()
            return self.line

    def listener(self, line: L) -> R | None:
        """Whose what comes on *line* is; nobody's while it speaks what was cancelled."""
        return self.reply if line is self.line and line.quiet.is_set() else None

    async def cancel(self, line: L, message: str, *, confirmed: bool) -> None:
        """Tell the vendor to stop; a line that does not take it is replaced.

        *confirmed*: no reply begins before `SpeechLine.settle`, which is waited for as long.
        """
        if confirmed:
            line.quiet.clear()
            line.timer = self.clock.at(self.clock.ms() + CANCEL_MS, lambda: self.replace(line))
        try:
            async with asyncio.timeout(CANCEL_MS / 1_000):
                await line.socket.send(message)
        except (PatterError, TimeoutError):
            self.replace(line)

    def replace(self, line: L) -> None:
        """Drop *line*, and have another one ready: what interrupts a reply is answered soon."""
        if line is self.line:
            self.drop(line)
            if not self._over:
                self.work(self._reopen())

    def drop(self, line: L) -> None:
        """Use *line* no more."""
        if line is self.line:
            self.line = None
        line.settle()
        self._tasks.create_task(self._close(line), name=self.errors.vendor)

    def work(self, job: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do *job* in a task that the session does not wait for at its end."""
        task = self._tasks.create_task(job, name=self.errors.vendor)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    async def _send(self, text: AsyncIterator[str], reply: R) -> None:
        try:
            async for sentence in text:
                await self.speak(reply, sentence)
            await self.finish(reply)
        except Exception as error:
            reply.fail(error)

    async def _stop(self, reply: R) -> None:
        self.reply, line = None, self.line
        reply.close()
        if reply.sender is not None:
            reply.sender.cancel()
        if line is None or self._over:
            return
        if reply.late:
            # What holds up this reply holds up the next one, too.
            self.replace(line)
        else:
            await self.leave(line, reply)

    async def _open(self) -> L:
        closing = AsyncExitStack()
        line = await closing.enter_async_context(self.connect())
        line.closing, line.opened_ms = closing, self.clock.ms()
        line.reader = self._tasks.create_task(self._read(line), name=self.errors.vendor)
        self._lines.add(line)
        return line

    async def _read(self, line: L) -> None:
        try:
            async for message in line.socket:
                self.take(line, message)
        except PatterError as error:
            self._lose(line, error)

    def _lose(self, line: L, error: PatterError) -> None:
        """The reply that is spoken on *line* is lost; the next one gets another line."""
        reply = self.reply if line is self.line else None
        steady = self.clock.ms() - line.opened_ms >= STEADY_MS or not line.quiet.is_set()
        if steady and error.code not in _FOR_GOOD:
            self.replace(line)
        else:
            self.drop(line)
        if reply is not None:
            reply.lose(error)

    async def _reopen(self) -> None:
        try:
            await self.ready()
        except PatterError as error:
            # Nobody is spoken to: whoever is next connects again, and has the error if any.
            log.info("out of reach between two replies: %s", error.message)

    async def _close(self, line: L) -> None:
        await line.close()
        self._lines.discard(line)

    async def _end(self) -> None:
        """What a task would do now might be cancelled before it begins."""
        self._over = True
        if self.reply is not None:
            self.reply.fail(self._ended())
        for task in self._working:
            # Who was spoken to may have left without closing the reply.
            task.cancel()
        for line in self._lines:
            line.settle()
        async with self._opening:
            for line in list(self._lines):
                await self._close(line)

    def _ended(self) -> PatterError:
        vendor = self.errors.vendor
        return PatterConnectionError(f"this session of {vendor} has ended", fix="open another one")
