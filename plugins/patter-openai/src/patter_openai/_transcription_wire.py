"""A transcription session's messages as pure functions: settings and audio out, values in."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import PatterError
from patter_openai._errors import ERRORS, reported

FORMATS: Mapping[AudioFormat, dict[str, Any]] = {
    MULAW_8K: {"type": "audio/pcmu"},
    ALAW_8K: {"type": "audio/pcma"},
    PCM16_24K: {"type": "audio/pcm", "rate": 24_000},
}
LEAST_MS = 100
"""OpenAI refuses to commit less audio."""

COMMIT = '{"type":"input_audio_buffer.commit"}'
LOGPROBS = "item.input_audio_transcription.logprobs"
_PREFIX = "conversation.item.input_audio_transcription."
_UNHEARD = ("audio_unintelligible", "audio_too_short", "no_speech_detected")
_UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


@attrs.frozen
class Ready:
    """The session has the settings it was sent."""


@attrs.frozen
class VoiceBegan:
    """OpenAI's own detection hears a voice, at *at_ms* of the audio sent."""

    item: str
    at_ms: int


@attrs.frozen
class VoiceEnded:
    """It hears none any more, since *at_ms*."""

    item: str
    at_ms: int


@attrs.frozen
class Committed:
    """What was sent since the last time is now *item*, and is being transcribed."""

    item: str


@attrs.frozen
class NothingToCommit:
    """There was too little audio to commit."""


@attrs.frozen
class Delta:
    """More words of *item*."""

    item: str
    text: str


@attrs.frozen
class Complete:
    """All words of *item*; none if it could not be understood."""

    item: str
    text: str
    confidence: float | None = None


ServerEvent: TypeAlias = (
    Ready | VoiceBegan | VoiceEnded | Committed | NothingToCommit | Delta | Complete
)


def session_update(
    audio: AudioFormat,
    transcription: Mapping[str, Any],
    detection: Mapping[str, Any] | None,
    *,
    noise_reduction: str = "",
    logprobs: bool = False,
) -> str:
    """The message that says what is sent, who transcribes it, and who finds the pauses."""
    audio_input: dict[str, Any] = {
        "format": FORMATS[audio],
        "transcription": {name: value for name, value in transcription.items() if value},
        "turn_detection": detection,
    }
    if noise_reduction:
        audio_input["noise_reduction"] = {"type": noise_reduction}
    session: dict[str, Any] = {"type": "transcription", "audio": {"input": audio_input}}
    if logprobs:
        session["include"] = [LOGPROBS]
    return orjson.dumps({"type": "session.update", "session": session}).decode()


def append(audio: bytes) -> str:
    """The message that sends *audio*."""
    return f'{{"type":"input_audio_buffer.append","audio":"{base64.b64encode(audio).decode()}"}}'


def decode(message: str | bytes, secret: str = "") -> ServerEvent | None:
    """Read one message; None when it carries no news.

    Raises PatterError for the vendor's errors, without *secret*, and for garbage.
    """
    try:
        return _event(orjson.loads(message), secret)
    except PatterError:
        raise
    except _UNREADABLE:
        raise ERRORS.garbled(message) from None


def _event(body: Any, secret: str) -> ServerEvent | None:
    match body["type"]:
        case "session.updated":
            return Ready()
        case "input_audio_buffer.speech_started":
            return VoiceBegan(_text(body["item_id"]), int(body["audio_start_ms"]))
        case "input_audio_buffer.speech_stopped":
            return VoiceEnded(_text(body["item_id"]), int(body["audio_end_ms"]))
        case "input_audio_buffer.committed":
            return Committed(_text(body["item_id"]))
        case "error":
            return _error(body["error"], secret)
        case str(kind) if kind.startswith(_PREFIX):
            return _transcribed(kind.removeprefix(_PREFIX), body, secret)
        case str():
            return None
    raise TypeError("type is not text")


def _transcribed(kind: str, body: Mapping[str, Any], secret: str) -> ServerEvent | None:
    match kind:
        case "delta":
            return Delta(_text(body["item_id"]), _text(body.get("delta") or ""))
        case "completed":
            text, probs = _text(body["transcript"]), body.get("logprobs")
            return Complete(_text(body["item_id"]), text.strip(), _confidence(probs))
        case "failed":
            error = body.get("error") or {}
            if error.get("code") in _UNHEARD:
                return Complete(_text(body["item_id"]), "")
            raise reported(ERRORS, error, secret=secret)
    return None


def _error(error: Mapping[str, Any], secret: str) -> NothingToCommit:
    if error.get("code") == "input_audio_buffer_commit_empty":
        return NothingToCommit()
    raise reported(ERRORS, error, secret=secret)


def _confidence(logprobs: Any) -> float | None:
    """How sure the model was of its words, 0 to 1: the mean of its tokens' probabilities."""
    if not logprobs:
        return None
    probabilities = [math.exp(min(0.0, float(each["logprob"]))) for each in logprobs]
    return sum(probabilities) / len(probabilities)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value
