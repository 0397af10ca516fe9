"""What a speech-to-speech engine reports, one frozen class an event.

Order, kept by every engine whatever its vendor does:

1. A response id has one ResponseStarted, then its audio, text and tool calls, then one
   ResponseDone. Only a ResponseTruncated, of one that had audio, may carry that id afterwards.
2. Responses do not overlap: the next one starts after the ResponseDone of the one before.
3. `EngineSession.respond` and `EngineSession.say` return an id; each such id gets a
   ResponseStarted and a ResponseDone, also when the vendor refuses it (status FAILED), or when it
   is interrupted before its first audio or while the vendor says nothing (status CANCELLED).
4. After an interrupt, audio of that response may still come until its ResponseDone; whoever plays
   it drops it by its id.
5. Events about the caller are in order among themselves, but in no order with responses: a
   transcript often comes after the answer to it has begun. *item_id* says which caller turn it is.
6. No event is lost. When the events end or raise, responses without a ResponseDone are over.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import attrs

from patter.errors import PatterError
from patter.providers.llm import ToolRequest
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter.providers.tts import SpokenWord


class ResponseCause(StrEnum):
    """Why a response began."""

    REQUEST = "request"
    """`EngineSession.respond` or `EngineSession.say`."""

    GREETING = "greeting"
    """The greeting of the setup."""

    CALLER = "caller"
    """The vendor answers the caller by itself."""

    TOOL = "tool"
    """The results of tools have been delivered."""


class ResponseStatus(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """By `EngineSession.interrupt`, or by the vendor because the caller spoke."""

    FAILED = "failed"
    INCOMPLETE = "incomplete"
    """The vendor stopped early: its longest output, or its content filter."""


@attrs.frozen(kw_only=True)
class EngineUsage:
    """What a response consumed; audio and text have different prices at most vendors.

    Input tokens are those not read from a cache.
    """

    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    cached_text_tokens: int = 0
    cached_audio_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0


@attrs.frozen
class ResponseStarted:
    """The vendor works on response *response_id*."""

    response_id: str
    cause: ResponseCause = ResponseCause.REQUEST


@attrs.frozen
class ResponseAudio:
    """The next audio of a response, whole samples; it comes faster than it is played.

    *item_id* is the vendor's name for the piece of history that holds it, if it has one.
    """

    response_id: str
    audio: bytes = attrs.field(repr=False)
    item_id: str = ""


@attrs.frozen
class ResponseText:
    """The next text of what a response says; the pieces add up, spaces included.

    *words* are those whose end is known, in milliseconds from the first audio of the response.
    """

    response_id: str
    text: str
    words: tuple[SpokenWord, ...] = ()


@attrs.frozen
class ResponseToolCall:
    """A response wants a tool run: `EngineSession.tool_result` answers by ``request.id``."""

    response_id: str
    request: ToolRequest


@attrs.frozen
class ResponseTruncated:
    """The vendor's history keeps only what the caller heard of a response.

    *heard_ms* of *item_id*, as `EngineSession.interrupt` asked for; or *text*, where the vendor
    decides for itself which words were heard.
    """

    response_id: str
    heard_ms: int | None = None
    item_id: str = ""
    text: str | None = None


@attrs.frozen
class ResponseDone:
    """A response is over. *error* belongs to FAILED; *reason* is in the vendor's words."""

    response_id: str
    status: ResponseStatus = ResponseStatus.COMPLETED
    usage: EngineUsage | None = None
    error: PatterError | None = None
    reason: str = ""


@attrs.frozen
class ToolCallsCancelled:
    """The vendor no longer waits for these results; one that still comes is dropped."""

    tool_call_ids: tuple[str, ...]


@attrs.frozen
class CallerTranscript:
    """Words of caller turn *item_id*. An interim replaces the one before; one final stands."""

    item_id: str
    text: str
    final: bool


@attrs.frozen
class CallerTurnEnded:
    """The vendor takes the caller's turn *item_id* as complete."""

    item_id: str


@attrs.frozen
class VendorInterrupted:
    """The vendor stopped response *response_id* because the caller spoke; CANCELLED follows."""

    response_id: str


@attrs.frozen
class EngineProblem:
    """The vendor reported an error that passes; the session goes on. Others are raised."""

    error: PatterError


@attrs.frozen
class SessionEnding:
    """The vendor will close the session in *in_ms*: open another one, with the history."""

    in_ms: int


@attrs.frozen
class SessionHandle:
    """`EngineSetup.resume` for the next session. A later handle replaces it."""

    handle: str = attrs.field(repr=False)


ResponseEvent: TypeAlias = (
    ResponseStarted
    | ResponseAudio
    | ResponseText
    | ResponseToolCall
    | ResponseTruncated
    | ResponseDone
    | VendorInterrupted
)
CallerEvent: TypeAlias = SpeechStarted | SpeechEnded | CallerTranscript | CallerTurnEnded
EngineEvent: TypeAlias = (
    ResponseEvent | CallerEvent | ToolCallsCancelled | EngineProblem | SessionEnding | SessionHandle
)
