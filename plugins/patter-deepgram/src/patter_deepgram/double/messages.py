"""Every message that Deepgram sends, as values; deepgram-sdk 7.17 has a model of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from patter.providers.stt import Transcript, Word

Body: TypeAlias = dict[str, Any]
REQUEST_ID = "5a1b7c2e-0d3f-4e6a-8b9c-1f2e3d4c5b6a"
MODEL_ID = "b3e47c20-9f81-4a2e-bd15-8d7c6e2a1f09"


def seconds(ms: float) -> float:
    """Deepgram counts in seconds."""
    return round(ms / 1_000, 3)


# --- /v1/listen


def results(
    heard: Transcript,
    *,
    start_ms: float,
    end_ms: float,
    model: str,
    punctuated: bool = False,
    speech_final: bool = False,
    from_finalize: bool = False,
) -> Body:
    """What was understood between two positions."""
    best = {
        "transcript": heard.text,
        "confidence": 0.98 if heard.text else 0.0,
        "words": [_word(word, punctuated) for word in heard.words],
    }
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": seconds(end_ms - start_ms),
        "start": seconds(start_ms),
        "is_final": heard.final,
        "speech_final": speech_final,
        "from_finalize": from_finalize,
        "channel": {"alternatives": [best]},
        "metadata": {
            "request_id": REQUEST_ID,
            "model_info": {"name": model, "version": "2026-01-01.1", "arch": model},
            "model_uuid": MODEL_ID,
        },
    }


def speech_started(at_ms: float) -> Body:
    return {"type": "SpeechStarted", "channel": [0, 1], "timestamp": seconds(at_ms)}


def utterance_end(last_word_ms: float) -> Body:
    return {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": seconds(last_word_ms)}


def metadata(duration_ms: float) -> Body:
    """The last message of a session that was closed."""
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": REQUEST_ID,
        "sha256": "0" * 64,
        "created": "2026-11-29T00:00:00.000Z",
        "duration": seconds(duration_ms),
        "channels": 1,
    }


def schema_error(message: str) -> Body:
    """A text that Deepgram could not read; the session goes on."""
    return {
        "type": "Error",
        "variant": "SchemaError",
        "description": "Could not deserialize last text message.",
        "message": message,
    }


def configured(keyterms: Iterable[str] | None) -> Body:
    body: Body = {"type": "ConfigureSuccess", "request_id": REQUEST_ID}
    return body if keyterms is None else {**body, "keyterms": list(keyterms)}


def not_configured(code: str, description: str) -> Body:
    return {
        "type": "ConfigureFailure",
        "request_id": REQUEST_ID,
        "code": code,
        "description": description,
    }


# --- /v2/listen: the sequence_id is added where these are sent


def flux_connected() -> Body:
    return {"type": "Connected", "request_id": REQUEST_ID}


def turn_info(
    event: str,
    index: int,
    words: Iterable[Word],
    *,
    start_ms: float,
    end_ms: float,
    confidence: float,
    trigger: str = "",
) -> Body:
    """The state of a turn; *words* are all of it."""
    spelt = list(words)
    body: Body = {
        "type": "TurnInfo",
        "request_id": REQUEST_ID,
        "event": event,
        "turn_index": index,
        "audio_window_start": seconds(start_ms),
        "audio_window_end": seconds(end_ms),
        "transcript": " ".join(word.text for word in spelt),
        "words": [
            {
                "word": word.text,
                "confidence": 0.98,
                "start": seconds(word.start_ms),
                "end": seconds(word.end_ms),
            }
            for word in spelt
        ],
        "end_of_turn_confidence": confidence,
    }
    return {**body, "trigger": trigger} if trigger else body


def flux_configured(
    thresholds: Mapping[str, float], keyterms: Iterable[str], hints: Iterable[str]
) -> Body:
    return {
        "type": "ConfigureSuccess",
        "request_id": REQUEST_ID,
        "thresholds": dict(thresholds),
        "keyterms": list(keyterms),
        "language_hints": list(hints),
    }


def error(code: str, description: str) -> Body:
    """A fatal error of `/v2/listen` and `/v2/speak`; the socket is closed after it."""
    return {"type": "Error", "code": code, "description": description}


# --- /v1/speak


def speak_metadata(model: str) -> Body:
    return {
        "type": "Metadata",
        "request_id": REQUEST_ID,
        "model_name": model,
        "model_version": "2026-01-01.1",
        "model_uuid": MODEL_ID,
    }


def flushed(sequence_id: int) -> Body:
    return {"type": "Flushed", "sequence_id": sequence_id}


def cleared(sequence_id: int) -> Body:
    return {"type": "Cleared", "sequence_id": sequence_id}


def warning(code: str, description: str) -> Body:
    return {"type": "Warning", "code": code, "description": description}


# --- /v2/speak


def speak_connected(model: str) -> Body:
    return {
        "type": "Connected",
        "request_id": REQUEST_ID,
        "model_name": model,
        "model_version": "2026.06.01",
        "model_uuids": [MODEL_ID],
    }


def flux_speech_started(speech_id: str) -> Body:
    return {"type": "SpeechStarted", "speech_id": speech_id}


def flux_flushed(speech_id: str) -> Body:
    return {"type": "Flushed", "speech_id": speech_id}


def speech_report(speech_id: str, duration_ms: float, letters: int) -> Body:
    """Length and price of a turn."""
    return {
        "speech_id": speech_id,
        "audio_duration_ms": round(duration_ms),
        "input_character_count": letters,
        "billable_character_count": letters,
        "controls_applied": {
            "pronunciations_applied": 0,
            "breaks_applied": 0,
            "pronunciation_warnings": 0,
        },
    }


def speech_metadata(report: Body) -> Body:
    return {"type": "SpeechMetadata", **report}


def speech_interrupted(played_ms: float, report: Body, split: tuple[str, str] | None) -> Body:
    body: Body = {
        "type": "SpeechInterrupted",
        "audio_played_ms": round(played_ms),
        "metadata": report,
    }
    if split is not None:
        body["text_spoken"], body["text_remaining"] = split
    return body


def speed_set(speed: float | None) -> Body:
    return {"type": "ConfigureSuccess", "applied": {} if speed is None else {"speed": speed}}


def speed_not_set(code: str, speed: float, description: str) -> Body:
    return {
        "type": "ConfigureFailure",
        "code": code,
        "field": "speed",
        "value": speed,
        "description": description,
    }


def session_metadata(duration_ms: float, letters: int) -> Body:
    return {
        "type": "SessionMetadata",
        "total_audio_duration_ms": round(duration_ms),
        "total_input_character_count": letters,
        "total_billable_character_count": letters,
    }


def _word(word: Word, punctuated: bool) -> Body:
    spelt = {
        "word": word.text,
        "start": seconds(word.start_ms),
        "end": seconds(word.end_ms),
        "confidence": 0.98,
    }
    return {**spelt, "punctuated_word": word.text} if punctuated else spelt
