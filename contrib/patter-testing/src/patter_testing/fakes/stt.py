"""A recogniser with scripted transcripts, by time or by position in the audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
)
from patter.errors import PatterConnectionError, PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STT, SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded

EVERY_FORMAT = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)


def optional_ms(value: float | str | None) -> float | None:
    """Milliseconds, also as text."""
    return None if value is None else float(value)


@attrs.frozen
class At:
    """*event* is delivered when *ms* milliseconds of audio were sent."""

    ms: float
    event: STTEvent


@attrs.frozen(kw_only=True)
class FakeSTT:
    """Hears *script* by position in the audio, and whatever a session is told to hear.

    *refuses* is raised by `open`. After *breaks_at_ms* of audio the connection is lost, after
    *hangs_up_at_ms* the vendor ends it. A *deaf* one answers nothing, not even `finalize`. What a
    session is told to hear becomes final *final_ms* later.
    """

    script: tuple[At, ...] = ()
    refuses: PatterError | None = None
    breaks_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    hangs_up_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    deaf: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    endpoints: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    final_ms: float = attrs.field(default=0.0, converter=float)
    chunk_ms: int = attrs.field(default=20, converter=int)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[FakeSTTSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        if self.refuses is not None:
            raise self.refuses
        session = FakeSTTSession(self, call, audio)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()


@attrs.define(eq=False)
class FakeSTTSession:
    """One call's ears. `hear` and its kin put events into the stream at once."""

    settings: FakeSTT
    call: CallContext
    audio: AudioFormat
    sent: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    finalized: int = attrs.field(default=0, init=False)
    _events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(10_000), init=False)
    _script_at: int = attrs.field(default=0, init=False)
    _pending: str = attrs.field(default="", init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    @property
    def position_ms(self) -> float:
        """Milliseconds of audio sent so far."""
        return self.audio.ms_in(len(self.sent))

    async def send(self, audio: bytes) -> None:
        self._check_open()
        self.sent += audio
        self._play_script()
        self._misbehave()

    async def finalize(self) -> None:
        self._check_open()
        self.finalized += 1
        if not self.settings.deaf:
            self.hear(self._pending)

    def hear(self, text: str, *, final: bool = True) -> None:
        """Recognise *text* now; an interim is what a `finalize` makes final."""
        heard = Transcript(text, final, end_ms=int(self.position_ms))
        if final and self.settings.final_ms:
            loop = asyncio.get_running_loop()
            loop.call_later(self.settings.final_ms / 1_000, self._deliver, heard)
        else:
            self._deliver(heard)

    def start_voice(self) -> None:
        self._deliver(SpeechStarted(int(self.position_ms)))

    def stop_voice(self) -> None:
        self._deliver(SpeechEnded(int(self.position_ms)))

    def end_turn(self) -> None:
        self._deliver(TurnEnded())

    def fail(self, error: PatterError | None = None) -> None:
        """Lose the connection."""
        self._error = error or _lost()
        self.end()

    def end(self) -> None:
        """Hang up: iteration ends when everything was read."""
        self._over = True
        self._events.close()

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    def _deliver(self, event: STTEvent) -> None:
        if isinstance(event, Transcript):
            self._pending = "" if event.final else event.text
        self._events.put(event)

    def _play_script(self) -> None:
        script = self.settings.script
        while self._script_at < len(script) and script[self._script_at].ms <= self.position_ms:
            self._deliver(script[self._script_at].event)
            self._script_at += 1

    def _misbehave(self) -> None:
        breaks, hangs_up = self.settings.breaks_at_ms, self.settings.hangs_up_at_ms
        if breaks is not None and self.position_ms >= breaks:
            self.fail()
        elif hangs_up is not None and self.position_ms >= hangs_up:
            self.end()

    def _check_open(self) -> None:
        if self._over:
            raise self._error or _lost()


def _lost() -> PatterConnectionError:
    return PatterConnectionError("the fake recogniser is gone", fix="open a session again")


if TYPE_CHECKING:
    _: type[STT] = FakeSTT
