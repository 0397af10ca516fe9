"""One softphone's media on one WebSocket.

Two tasks own the socket: one reads it into a bounded box, one writes what the call queued.
What the client gets wrong is answered on its own socket and goes no further.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

import attrs
from aiohttp import WSMessage, WSMsgType, web

from patter.aio import Full, Mailbox, task_scope
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.clock import Clock, LoopClock
from patter.errors import InputError, PatterConnectionError
from patter.providers.carrier import Hangup, LegEvent, LineFault, TypedText
from patter_softphone import _wire
from patter_softphone._faults import Echo, Faults, Line, frames
from patter_softphone._screen import Screen
from patter_softphone._wire import Close

log = logging.getLogger("patter.softphone")

Task: TypeAlias = "asyncio.Task[None]"
Typed: TypeAlias = Callable[[str], Awaitable[object]]
"""Takes what the caller typed."""
MAX_COMPLAINTS = 50
INBOX = 1_000
INBOX_AUDIO = 500
INBOX_CROWDED = 750
CROWDED_MS = 20.0
TURN = 8
"""Messages that are read at most before other calls have their turn."""
OUTBOX = 4_096
LARGEST_BYTES = 16_000
FAREWELL_S = 2.0


@attrs.frozen
class _Queued:
    """Something for the client: not before *due_ms*, and audio not after a clear."""

    due_ms: float
    epoch: int
    frame: bytes | str


@attrs.frozen
class _Arrived:
    """Something from the client, for the call not before *due_ms*."""

    due_ms: float
    event: LegEvent


@attrs.define(eq=False)
class SoftphoneLeg:
    """A softphone's half of a call. Audio is mu-law 8 kHz both ways.

    Closing the page is hanging up; a connection that breaks is not, and the same token may
    then bring another leg. What is sent after the socket has gone is lost without an error:
    the end of iteration is how the call learns of it.
    """

    call_id: str
    socket: web.WebSocketResponse
    offers_faults: bool = False
    typed: Typed | None = None
    clock: Clock = attrs.field(factory=LoopClock)
    audio: AudioFormat = attrs.field(default=MULAW_8K, init=False)
    close_code: Close = attrs.field(default=Close.DONE, init=False)
    _inbox: Mailbox[_Arrived] = attrs.field(init=False)
    _outbox: Mailbox[_Queued] = attrs.field(init=False)
    _upward: Line = attrs.field(init=False)
    _downward: Line = attrs.field(init=False)
    _echo: Echo = attrs.field(init=False)
    _faulty: bool = attrs.field(default=False, init=False)
    _epoch: int = attrs.field(default=0, init=False)
    _complaints: int = attrs.field(default=0, init=False)
    _lost_bytes: int = attrs.field(default=0, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _hung_up: bool = attrs.field(default=False, init=False)
    _started: bool = attrs.field(default=False, init=False)
    _closing: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._inbox = Mailbox(INBOX, Full.REFUSE)
        self._outbox = Mailbox(OUTBOX, Full.REFUSE)
        self._suffer(Faults())

    @property
    def ended(self) -> bool:
        """Has the call or its caller ended it? A connection that broke has ended nothing."""
        return self._over or self._hung_up

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        if not self._started:
            self._started = True
            self._queue(_wire.encode(_wire.Start(self.call_id, self.offers_faults)))
        async for item in self._inbox:
            await self._until(item.due_ms)
            if self._over:
                return
            yield item.event

    async def send(self, audio: bytes) -> None:
        """Queue *audio* for the client. Raises PatterConnectionError when it does not take it."""
        self._echo.played(audio)
        if not self._faulty:
            for part in frames(audio, LARGEST_BYTES):
                self._queue(part)
            return
        now = self.clock.ms()
        for frame in frames(audio):
            self._queue(self._downward.carry(frame), self._downward.arrival_ms(now))

    async def mark(self, name: str) -> None:
        """Ask for MarkPlayed(name) once everything sent before it was played or cleared."""
        self._queue(_wire.encode(_wire.Mark(name)))

    async def clear(self) -> None:
        """Drop what was not played: here, on the way, and at the client."""
        self._epoch += 1
        self._echo.stopped()
        self._queue(_wire.encode(_wire.Clear()))

    async def close(self) -> None:
        """End the media; the socket is closed once the page was shown the call's end."""
        self._over = True
        self._inbox.close()
        self._closing.set()

    async def abort(self) -> None:
        """Close the socket of a call that goes on; the client may come back."""
        self.end(Close.TOO_SLOW)

    def end(self, code: Close) -> None:
        """End the media because of something that went wrong, to be named to the client."""
        if not self._over:
            self.close_code = code
        self._inbox.close()
        self._closing.set()

    async def part(self, screen: Screen, shower: Task, writer: Task) -> None:
        """When the media has ended, say goodbye to a page that is there, and close its socket."""
        await self._closing.wait()
        if self.close_code is Close.DONE and not self.socket.closed:
            await asyncio.wait({shower}, timeout=FAREWELL_S if screen.watched else 0)
            self._say_ended()
            await asyncio.wait({writer}, timeout=FAREWELL_S)
        reason = _wire.REASONS.get(self.close_code, "")
        await self.socket.close(code=self.close_code, message=reason.encode())

    def _say_ended(self) -> None:
        self._queue(_wire.encode(_wire.Ended()))
        self._outbox.close()

    async def read(self) -> None:
        """Move what the client sends to the call until the socket, or the call, is over."""
        count = 0
        async for message in self.socket:
            if not await self._take(message):
                break
            count += 1
            if len(self._inbox) > INBOX_CROWDED:
                # Who sends more than the call takes waits, and nobody else.
                await self.clock.sleep(CROWDED_MS)
            elif not count % TURN:
                await asyncio.sleep(0)
        if self.socket.close_code in (Close.DONE, Close.GOING_AWAY):
            self._put(Hangup("the page was closed"))
        self._inbox.close()

    async def write(self) -> None:
        """Send what the call queued, each at its time; nothing that a clear overtook."""
        async for item in self._outbox:
            await self._until(item.due_ms)
            if isinstance(item.frame, str):
                await self.socket.send_str(item.frame)
            elif item.epoch == self._epoch:
                await self.socket.send_bytes(item.frame)

    async def show(self, screen: Screen) -> None:
        """Send the page what it is to show; ends with the call's last event."""
        async for frame in screen.box:
            await self.socket.send_str(frame)

    async def _take(self, message: WSMessage) -> bool:
        if message.type is WSMsgType.BINARY:
            self._hear(message.data)
            return True
        if message.type is WSMsgType.TEXT:
            return await self._obey(message.data)
        log.warning("call %s: softphone socket failed: %s", self.call_id, message.data)
        return False

    async def _obey(self, text: str) -> bool:
        try:
            frame = _wire.decode_client(text)
        except InputError as error:
            return self._complain(error)
        match frame:
            case _wire.Media(payload):
                self._hear(payload)
            case _wire.SetFaults(faults):
                return self._change_line(faults)
            case _wire.Drop():
                return self._drop()
            case Hangup():
                self._put(frame)
                return False
            case TypedText(words) if self.typed is not None:
                await self.typed(words)
            case _ if not self._put(frame):
                self.end(Close.TOO_SLOW)
                return False
        return True

    def _hear(self, audio: bytes) -> None:
        if len(self._inbox) >= INBOX_AUDIO:
            self._lose(audio)
        elif not self._faulty:
            self._put(audio)
        else:
            now = self.clock.ms()
            for frame in frames(audio):
                audio = self._echo.mix(self._upward.carry(frame))
                self._put(audio, self._upward.arrival_ms(now))

    def _lose(self, audio: bytes) -> None:
        """Audio that the call does not take in time is dropped, words and keys are not."""
        if not self._lost_bytes:
            log.warning("call %s does not take the caller's audio; some is lost", self.call_id)
        self._lost_bytes += len(audio)

    def _put(self, event: LegEvent, due_ms: float = 0.0) -> bool:
        self._hung_up = self._hung_up or isinstance(event, Hangup)
        return event == b"" or self._inbox.put(_Arrived(due_ms, event))

    async def _until(self, due_ms: float) -> None:
        if due_ms > (now := self.clock.ms()):
            await self.clock.sleep(due_ms - now)

    def _change_line(self, faults: Faults) -> bool:
        if not self.offers_faults:
            return self._complain(
                InputError(
                    "this server offers no network simulation", fix="start it with: patter phone"
                )
            )
        self._suffer(faults)
        return self._put(LineFault(attrs.asdict(faults)))

    def _drop(self) -> bool:
        if not self.offers_faults:
            return self._complain(InputError("this server drops no calls", fix="send hangup"))
        self.end(Close.DROPPED)
        return False

    def _suffer(self, faults: Faults) -> None:
        self._upward, self._downward = Line(faults, "up"), Line(faults, "down")
        self._echo = Echo(faults.echo_db)
        self._faulty = faults != Faults(seed=faults.seed)

    def _complain(self, error: InputError) -> bool:
        log.warning("call %s: softphone: %s; %s", self.call_id, error.message, error.fix)
        self._complaints += 1
        if self._complaints > MAX_COMPLAINTS:
            self.end(Close.MALFORMED)
            return False
        self._queue(_wire.encode(_wire.Complaint(error.code.value, error.message, error.fix)))
        return True

    def _queue(self, frame: bytes | str, due_ms: float = 0.0) -> None:
        if self.socket.closed:
            return
        if not self._outbox.put(_Queued(due_ms, self._epoch, frame)):
            self.end(Close.TOO_SLOW)
            raise PatterConnectionError(
                f"the softphone of call {self.call_id} does not take its audio",
                fix="call again from a page that is open and in front",
            )


@asynccontextmanager
async def running(leg: SoftphoneLeg, screen: Screen) -> AsyncIterator[SoftphoneLeg]:
    """Let *leg* read and write while its call has it, then say goodbye to a page that is there."""
    async with task_scope() as tasks:
        reader = tasks.create_task(leg.read(), name="softphone-read")
        writer = tasks.create_task(_while_open(leg.write), name="softphone-write")
        shower = tasks.create_task(_while_open(partial(leg.show, screen)), name="softphone-show")
        parting = _while_open(partial(leg.part, screen, shower, writer))
        parter = tasks.create_task(parting, name="softphone-part")
        try:
            yield leg
            await leg.close()
            await parter
        finally:
            for task in (reader, writer, shower, parter):
                task.cancel()


async def _while_open(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do *work* on a socket; that the client has gone is the reader's news to tell."""
    try:
        await work()
    except ConnectionError as gone:
        log.debug("softphone socket is gone: %s", gone)
