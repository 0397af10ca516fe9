"""Ears that hear what was heard then, when the caller of a replay lets them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox
from patter.audio.formats import AudioFormat
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, Transcript, TurnEnded
from patter.providers.vad import VAD, SpeechEvent, VoiceStart, VoiceStop
from patter_testing.fakes.stt import EVERY_FORMAT

WAITING = 10_000


@attrs.frozen
class RecordedVAD:
    """A detector that reports what it is shown."""

    tail_ms: int = 100
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[RecordedVADSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    def start(self, audio: AudioFormat) -> RecordedVADSession:
        self.sessions.append(RecordedVADSession(audio))
        return self.sessions[-1]

    def show(self, *, voice: bool, late_ms: int) -> None:
        """A voice began, or ended, *late_ms* ago; told with the next audio."""
        for session in self.sessions[-1:]:
            at_ms = max(0, round(session.fed_ms) - late_ms)
            session.changes.append(VoiceStart(at_ms) if voice else VoiceStop(at_ms))


@attrs.define(eq=False)
class RecordedVADSession:
    """The detector of the one call."""

    audio: AudioFormat
    fed_ms: float = 0.0
    changes: deque[SpeechEvent] = attrs.field(factory=deque)

    def feed(self, audio: bytes) -> SpeechEvent | None:
        self.fed_ms += self.audio.ms_in(len(audio))
        return self.changes.popleft() if self.changes else None


@attrs.frozen
class RecordedSTT:
    """A recogniser that hears what it is shown, and answers `finalize` when nothing is to come."""

    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    endpoints: bool = False
    chunk_ms: int = 20
    sessions: list[RecordedSTTSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        audio: AudioFormat,
    ) -> AsyncIterator[RecordedSTTSession]:
        session = RecordedSTTSession(audio)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.events.close()

    def show(self, text: str, *, final: bool) -> None:
        """These words are heard now."""
        for session in self.sessions[-1:]:
            session.hear(Transcript(text, final, end_ms=round(session.sent_ms)))

    def show_end(self) -> None:
        """The recogniser is sure that the turn has ended."""
        for session in self.sessions[-1:]:
            session.hear(TurnEnded())

    def expect(self, words: int) -> None:
        """This many finals are still to come: `finalize` waits for them."""
        for session in self.sessions[-1:]:
            session.to_come = words


@attrs.define(eq=False)
class RecordedSTTSession:
    """The ears of the one call."""

    audio: AudioFormat
    sent_ms: float = 0.0
    to_come: int = 0
    events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(WAITING))

    async def send(self, audio: bytes) -> None:
        self.sent_ms += self.audio.ms_in(len(audio))

    async def finalize(self) -> None:
        if self.to_come <= 0:
            self.events.put(Transcript("", True, end_ms=round(self.sent_ms)))

    def hear(self, event: STTEvent) -> None:
        if isinstance(event, Transcript) and event.final:
            self.to_come -= 1
        self.events.put(event)

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self.events:
            yield event


if TYPE_CHECKING:
    _: type[STT] = RecordedSTT
    __: type[VAD] = RecordedVAD
