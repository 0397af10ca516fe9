"""A speech-to-speech engine that speaks scripted replies and hears what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.aio import Mailbox
from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError, PatterError
from patter.providers.context import CallContext
from patter.providers.engine import (
    Engine,
    EngineAudio,
    EngineBrief,
    EngineDone,
    EngineEvent,
    EngineText,
)
from patter.providers.llm import ToolRequest
from patter.providers.stt import Transcript
from patter.testing.fakes.stt import EVERY_FORMAT
from patter.testing.fakes.tts import MS_PER_LETTER, spoken


@attrs.frozen(kw_only=True)
class FakeEngine:
    """Each response says the next of *replies*, then the last again.

    One that *breaks* loses its connection in the first response; a *mute* one never responds.
    """

    replies: tuple[str, ...] = ("Yes.",)
    ms_per_letter: int = attrs.field(default=MS_PER_LETTER, converter=int)
    refuses: PatterError | None = None
    breaks: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    mute: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    produces: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[FakeEngineSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(
        self, call: CallContext, brief: EngineBrief, audio_in: AudioFormat, audio_out: AudioFormat
    ) -> AsyncIterator[FakeEngineSession]:
        if self.refuses is not None:
            raise self.refuses
        session = FakeEngineSession(self, call, brief, audio_in, audio_out)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()


@attrs.define(eq=False)
class FakeEngineSession:
    """One call; *cancelled* holds (response id, heard milliseconds), *results* tool answers."""

    settings: FakeEngine
    call: CallContext
    brief: EngineBrief
    audio_in: AudioFormat
    audio_out: AudioFormat
    sent: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    instructions: list[str] = attrs.field(factory=list, init=False)
    cancelled: list[tuple[str, int]] = attrs.field(factory=list, init=False)
    results: dict[str, str] = attrs.field(factory=dict, init=False)
    _events: Mailbox[EngineEvent] = attrs.field(factory=lambda: Mailbox(10_000), init=False)
    _error: PatterError | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def send(self, audio: bytes) -> None:
        self._check_open()
        self.sent += audio

    async def respond(self, instructions: str = "") -> str:
        self._check_open()
        text = self.settings.replies[min(len(self.instructions), len(self.settings.replies) - 1)]
        self.instructions.append(instructions)
        response_id = f"response-{len(self.instructions)}"
        if self.settings.mute:
            return response_id
        audio = spoken(text, self.audio_out, self.settings.ms_per_letter)
        for event in (EngineText(response_id, text), EngineAudio(response_id, audio)):
            self._events.put(event)
        if self.settings.breaks:
            self.fail()
        self._events.put(EngineDone(response_id))
        return response_id

    async def cancel(self, response_id: str, heard_ms: int) -> None:
        self.cancelled.append((response_id, heard_ms))

    async def tool_result(self, tool_call_id: str, result: str) -> None:
        self.results[tool_call_id] = result

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event
        if self._error is not None:
            raise self._error

    def hear(self, text: str, *, final: bool = True) -> None:
        """The engine understood the caller."""
        self.tell(Transcript(text, final))

    def want(self, request: ToolRequest) -> None:
        """The engine wants a tool run."""
        self.tell(request)

    def tell(self, event: EngineEvent) -> None:
        """Put any event into the stream."""
        self._events.put(event)

    def fail(self, error: PatterError | None = None) -> None:
        """Lose the connection."""
        self._error = error or _lost()
        self.end()

    def end(self) -> None:
        self._over = True
        self._events.close()

    def _check_open(self) -> None:
        if self._over:
            raise self._error or _lost()


def _lost() -> PatterConnectionError:
    return PatterConnectionError("the fake engine is gone", fix="open a session again")


if TYPE_CHECKING:
    _: type[Engine] = FakeEngine
