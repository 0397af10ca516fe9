"""The WebSocket protocol of ElevenLabs' agents as pure functions: values to text, text to values.

Names are those of the vendor's published contract (``agent.asyncapi.yaml`` of its TypeScript
packages) and of `ClientEvent` in its Python SDK. An event that an agent sends and a phone call has
no use for is read as None, as is one that is not known yet: the list of them grows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from patter.audio.formats import AudioFormat, Encoding
from patter.errors import PatterConfigError, PatterError
from patter_elevenlabs import _convai_errors
from patter_elevenlabs._errors import ERRORS, without

IGNORED = frozenset(
    {
        "agent_reasoning_response_part",
        "agent_response_metadata",
        "agent_tool_request",
        "agent_tool_response_full_payload",
        "asr_initiation_metadata",
        "context_usage",
        # The agent would press keys; a carrier's keypad is not the engine's to press.
        "dtmf_request",
        # What was said before it is corrected by agent_response_correction.
        "guardrail_triggered",
        "internal_tentative_agent_response",
        "internal_turn_probability",
        "mcp_connection_status",
        "mcp_tool_call",
    }
)
"""Events that are known, and are no news to a call."""

ERROR_EVENTS = frozenset({"client_error", "error"})
"""Errors: the first leaves the socket open, after the second it is closed."""


@attrs.frozen
class Metadata:
    """The conversation has begun; the formats are the agent's own, in the vendor's words."""

    conversation_id: str
    speaks: str
    hears: str


@attrs.frozen
class Letter:
    """A character, and when it has been spoken: milliseconds from its piece's begin."""

    text: str
    end_ms: float


@attrs.frozen
class Audio:
    """A piece of speech. *event_id* grows; up to that of an interruption it is not wanted."""

    event_id: int
    audio: bytes = attrs.field(repr=False)
    letters: tuple[Letter, ...] = ()


@attrs.frozen
class FullText:
    """All that the agent says in a response, or in this part of it."""

    text: str
    event_id: int


@attrs.frozen
class Part:
    """The next piece of what it says; *begins* a response."""

    text: str
    event_id: int
    begins: bool = False


@attrs.frozen
class Correction:
    """Of *original* only *corrected* was heard."""

    original: str
    corrected: str


@attrs.frozen
class Heard:
    """What the caller said, in a turn that is over, or (*tentative*) so far."""

    text: str
    event_id: int
    tentative: bool = False


@attrs.frozen
class Score:
    """How sure the vendor is that the caller speaks, from 0 to 1."""

    value: float


@attrs.frozen
class Interruption:
    """The caller broke in: audio up to *event_id* is not wanted any more."""

    event_id: int


@attrs.frozen
class Complete:
    """A response, its tools included, is over: generated, and played as the vendor reckons."""

    event_id: int


@attrs.frozen
class ToolCall:
    """A tool of the client is to be run; *answered* says whether its result is waited for."""

    id: str
    name: str
    arguments: str
    event_id: int
    answered: bool = True


@attrs.frozen
class ToolFailed:
    """The vendor gave a tool call up."""

    id: str


@attrs.frozen
class Ping:
    """To be answered with `pong`."""

    event_id: int


@attrs.frozen
class Problem:
    """An error; *ends*: the vendor closes the socket. No *error*: it does so in order."""

    error: PatterError | None
    ends: bool


ServerMessage: TypeAlias = (
    Metadata
    | Audio
    | FullText
    | Part
    | Correction
    | Heard
    | Score
    | Interruption
    | Complete
    | ToolCall
    | ToolFailed
    | Ping
    | Problem
)


def audio_format(name: str) -> AudioFormat:
    """The format that the vendor calls *name*. Raises PatterConfigError for another one.

    >>> str(audio_format("ulaw_8000")), str(audio_format("pcm_16000"))
    ('mulaw/8k', 'pcm16/16k')
    """
    encoding, _, rate = name.partition("_")
    encodings = {"ulaw": Encoding.MULAW, "pcm": Encoding.PCM16}
    if encoding not in encodings or not rate.isdecimal() or not 8_000 <= int(rate) <= 48_000:
        raise PatterConfigError(
            f"the ElevenLabs agent uses the audio format {name[:40]!r}, which is not known here",
            fix="set the agent's TTS output format and user input audio format to μ-law 8000 Hz",
        )
    return AudioFormat(encodings[encoding], int(rate))


def initiation(
    overrides: Mapping[str, Any],
    variables: Mapping[str, Any],
    extra_body: Mapping[str, Any],
    user_id: str = "",
) -> str:
    """The first message. What is empty is left out: each override has to be allowed."""
    fields = {
        "conversation_config_override": overrides,
        "custom_llm_extra_body": extra_body,
        "dynamic_variables": variables,
        "user_id": user_id,
    }
    present = {name: value for name, value in fields.items() if value}
    return _encode({"type": "conversation_initiation_client_data", **present})


def caller_audio(audio: bytes) -> str:
    """The caller's next audio; the one message without a type."""
    return f'{{"user_audio_chunk":"{base64.b64encode(audio).decode()}"}}'


def pong(event_id: int) -> str:
    """The answer to a ping."""
    return _encode({"type": "pong", "event_id": event_id})


def user_message(text: str) -> str:
    """What the caller wrote; it is answered."""
    return _encode({"type": "user_message", "text": text})


def contextual_update(text: str) -> str:
    """What the agent should know; it is not answered."""
    return _encode({"type": "contextual_update", "text": text})


def user_activity() -> str:
    """Somebody is there; it is not answered."""
    return _encode({"type": "user_activity"})


def tool_result(tool_call_id: str, result: str, failed: bool) -> str:
    """The result of a tool."""
    return _encode(
        {
            "type": "client_tool_result",
            "tool_call_id": tool_call_id,
            "result": result,
            "is_error": failed,
        }
    )


def decode(message: str | bytes, key: str = "") -> ServerMessage | None:
    """Read one message; None when it is no news. Raises PatterError for garbage.

    *key* is in no error that the message becomes.
    """
    try:
        body = orjson.loads(message)
        if body["type"] in ERROR_EVENTS:
            error = _convai_errors.of_event(_event_of(body), key)
            return Problem(error, ends=body["type"] == "error")
        read = _READERS.get(body["type"])
        return None if read is None else read(body)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as wrong:
        words = message if isinstance(message, str) else message.decode(errors="replace")
        raise ERRORS.garbled(without(key, words)) from wrong


def _encode(body: dict[str, Any]) -> str:
    return orjson.dumps(body).decode()


def _metadata(body: Any) -> Metadata:
    event = body["conversation_initiation_metadata_event"]
    return Metadata(
        _text(event["conversation_id"]),
        _text(event["agent_output_audio_format"]),
        _text(event["user_input_audio_format"]),
    )


def _audio(body: Any) -> Audio:
    event = body["audio_event"]
    audio = base64.b64decode(event["audio_base_64"], validate=True)
    return Audio(int(event["event_id"]), audio, _letters(event.get("alignment")))


def _letters(alignment: Any) -> tuple[Letter, ...]:
    if alignment is None:
        return ()
    rows = zip(
        alignment["chars"],
        alignment["char_start_times_ms"],
        alignment["char_durations_ms"],
        strict=True,
    )
    return tuple(Letter(_text(char), float(start) + float(length)) for char, start, length in rows)


def _full_text(body: Any) -> FullText:
    event = body["agent_response_event"]
    return FullText(_text(event["agent_response"]).strip(), _id(event))


def _part(body: Any) -> Part:
    event = body["text_response_part"]
    return Part(_text(event["text"]), _id(event), event["type"] == "start")


def _correction(body: Any) -> Correction:
    event = body["agent_response_correction_event"]
    return Correction(
        _text(event["original_agent_response"]).strip(),
        _text(event["corrected_agent_response"]).strip(),
    )


def _heard(body: Any) -> Heard:
    event = body["user_transcription_event"]
    return Heard(_text(event["user_transcript"]).strip(), _id(event))


def _tentative(body: Any) -> Heard:
    event = body["tentative_user_transcription_event"]
    return Heard(_text(event["user_transcript"]).strip(), _id(event), tentative=True)


def _score(body: Any) -> Score:
    return Score(float(body["vad_score_event"]["vad_score"]))


def _interruption(body: Any) -> Interruption:
    return Interruption(int(body["interruption_event"]["event_id"]))


def _complete(body: Any) -> Complete:
    return Complete(int(body["agent_response_complete_event"]["event_id"]))


def _tool_call(body: Any) -> ToolCall:
    event = body["client_tool_call"]
    arguments = event.get("parameters")
    return ToolCall(
        _text(event["tool_call_id"]),
        _text(event["tool_name"]),
        orjson.dumps({} if arguments is None else arguments).decode(),
        _id(event),
        # Old servers do not tell; the ones that do say false for a tool nobody waits for.
        answered=event.get("expects_response") is not False,
    )


def _tool_response(body: Any) -> ToolFailed | None:
    event = body["agent_tool_response"]
    return ToolFailed(_text(event["tool_call_id"])) if event["is_error"] is True else None


def _ping(body: Any) -> Ping:
    return Ping(int(body["ping_event"]["event_id"]))


def _event_of(body: Any) -> Any:
    """The error itself: under its key, or the message when a server sends it flat."""
    event = body.get("error_event") or body.get("client_error_event") or body
    return event if isinstance(event, dict) else {"message": str(event)}


def _id(event: Any) -> int:
    """The number of an event; 0 where an older server sends none."""
    return int(event.get("event_id") or 0)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


_READERS: dict[str, Callable[[Any], ServerMessage | None]] = {
    "agent_chat_response_part": _part,
    "agent_response": _full_text,
    "agent_response_complete": _complete,
    "agent_response_correction": _correction,
    "agent_tool_response": _tool_response,
    "audio": _audio,
    "client_tool_call": _tool_call,
    "conversation_initiation_metadata": _metadata,
    "interruption": _interruption,
    "ping": _ping,
    "tentative_user_transcript": _tentative,
    "user_transcript": _heard,
    "vad_score": _score,
}
