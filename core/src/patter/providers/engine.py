"""Speech-to-speech engines: one vendor that hears, thinks and speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest, ToolSpec, UsageChunk
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded


@attrs.frozen(kw_only=True)
class EngineBrief:
    """What the agent is, in the terms an engine needs."""

    system_prompt: str
    first_message: str = ""
    language: str = "en"
    tools: tuple[ToolSpec, ...] = ()


@attrs.frozen
class EngineAudio:
    """Audio of response *response_id*."""

    response_id: str
    audio: bytes = attrs.field(repr=False)


@attrs.frozen
class EngineText:
    """What response *response_id* says, as far as it is known."""

    response_id: str
    text: str


@attrs.frozen
class EngineDone:
    """Response *response_id* is complete."""

    response_id: str


@attrs.frozen
class EngineInterrupted:
    """The vendor has interrupted itself because the caller spoke."""


EngineEvent: TypeAlias = (
    Transcript
    | SpeechStarted
    | SpeechEnded
    | TurnEnded
    | EngineAudio
    | EngineText
    | EngineDone
    | EngineInterrupted
    | ToolRequest
    | UsageChunk
)


class EngineSession(Protocol):
    """One call's conversation at the vendor."""

    async def send(self, audio: bytes) -> None:
        """The caller's next audio."""
        ...

    async def respond(self, instructions: str = "") -> str:
        """Start a response, with *instructions* for this one only; return its id."""
        ...

    async def cancel(self, response_id: str, heard_ms: int) -> None:
        """Stop a response; the caller has heard *heard_ms* of it."""
        ...

    async def tool_result(self, tool_call_id: str, result: str) -> None:
        """Answer a ToolRequest."""
        ...

    def __aiter__(self) -> AsyncIterator[EngineEvent]:
        """Events until the session closes."""
        ...


class Engine(Protocol):
    """Settings of an engine."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]: ...

    @property
    def produces(self) -> tuple[AudioFormat, ...]: ...

    def open(
        self,
        call: CallContext,
        brief: EngineBrief,
        audio_in: AudioFormat,
        audio_out: AudioFormat,
    ) -> AbstractAsyncContextManager[EngineSession]:
        """Connect for one call; the formats are of `accepts` and `produces`."""
        ...
