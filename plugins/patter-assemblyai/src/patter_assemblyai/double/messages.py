"""Every message that AssemblyAI sends, as values; assemblyai 1.8.2 has a model of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from patter.providers.stt import Word

Body: TypeAlias = dict[str, Any]
SESSION_ID = "de5d9927-73a6-4be8-b52d-b4c07be37e6b"
CONFIDENCE = 0.98


def begin(expires_at: int, model: str, mode: str | None) -> Body:
    """The session has begun; it lasts to *expires_at*, in seconds since 1970."""
    configuration: Body = {"model": model, "api_version": "2025-05-12"}
    if mode:
        configuration["mode"] = mode
    return {
        "type": "Begin",
        "id": SESSION_ID,
        "expires_at": expires_at,
        "configuration": configuration,
    }


def turn(
    order: int,
    transcript: str,
    words: Iterable[Word],
    *,
    pending: int = 0,
    ends: bool = False,
    formatted: bool = False,
    confidence: float = 0.0,
    language: str = "",
    speaker: str = "",
) -> Body:
    """The state of a turn; its last *pending* words are not final yet."""
    spelt = list(words)
    body: Body = {
        "type": "Turn",
        "turn_order": order,
        "turn_is_formatted": formatted,
        "end_of_turn": ends,
        "transcript": transcript,
        "end_of_turn_confidence": confidence,
        "words": [_word(word, at < len(spelt) - pending, speaker) for at, word in enumerate(spelt)],
    }
    if language:
        body |= {"language_code": language, "language_confidence": 0.99}
    if speaker:
        body["speaker_label"] = speaker
    return body


def speech_started(at_ms: float) -> Body:
    return {"type": "SpeechStarted", "timestamp": int(at_ms)}


def heartbeat(received_ms: float, session_ms: float, probability: float) -> Body:
    return {
        "type": "Heartbeat",
        "total_audio_received_ms": int(received_ms),
        "total_duration_ms": int(session_ms),
        "realtime_factor": round(received_ms / max(session_ms, 1.0), 3),
        "max_speech_probability": probability,
    }


def silence(start_ms: float, end_ms: float) -> Body:
    return {"type": "Silence", "start_ms": int(start_ms), "end_ms": int(end_ms)}


def warning(code: int, words: str) -> Body:
    return {"type": "Warning", "warning_code": code, "warning": words}


def error(code: int, words: str) -> Body:
    """The last message of a session that failed; the socket is closed with the same *code*."""
    return {"type": "Error", "error_code": code, "error": words}


def termination(audio_s: float, session_s: float) -> Body:
    """The last message of a session that its client has ended."""
    return {
        "type": "Termination",
        "audio_duration_seconds": int(audio_s),
        "session_duration_seconds": int(session_s),
    }


def _word(word: Word, final: bool, speaker: str) -> Body:
    body: Body = {
        "text": word.text,
        "start": word.start_ms,
        "end": word.end_ms,
        "confidence": CONFIDENCE,
        "word_is_final": final,
    }
    return {**body, "speaker": speaker} if speaker else body
