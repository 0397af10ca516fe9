"""What Speechmatics sends, field by field, as its realtime reference has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from patter.providers.stt import Word

FORMAT = "2.9"
SESSION_ID = "807670e9-14af-4fa2-9e8f-5d525c22156e"
MARKS = ".,!?"
SENTENCE_ENDS = ".!?"
DISFLUENCIES = frozenset({"um", "uh", "er", "hmm"})


@attrs.frozen
class Voice:
    """Whose words they are: *language*, and a *speaker* where they are told apart."""

    language: str = "en"
    speaker: str = ""


def started(language: str, delimiter: str) -> dict[str, Any]:
    return {
        "message": "RecognitionStarted",
        "id": SESSION_ID,
        "orchestrator_version": "2026.11.0+double",
        "language_pack_info": {
            "adapted": False,
            "itn": True,
            "language_description": {"en": "English"}.get(language, language),
            "word_delimiter": delimiter,
            "writing_direction": "left-to-right",
        },
    }


def audio_added(seq_no: int) -> dict[str, Any]:
    return {"message": "AudioAdded", "seq_no": seq_no}


def transcript(
    words: Sequence[Word],
    *,
    final: bool,
    start_ms: float,
    end_ms: float,
    voice: Voice,
    delimiter: str,
) -> dict[str, Any]:
    """Words of the audio from *start_ms* to *end_ms*; a final has a space behind it."""
    text = delimiter.join(word.text for word in words)
    return {
        "message": "AddTranscript" if final else "AddPartialTranscript",
        "format": FORMAT,
        "metadata": {
            "start_time": seconds(start_ms),
            "end_time": seconds(end_ms),
            "transcript": text + delimiter if final and text else text,
        },
        "results": [result for word in words for result in _results(word, voice)],
    }


def utterance_end(at_ms: float) -> dict[str, Any]:
    at = {"start_time": seconds(at_ms), "end_time": seconds(at_ms)}
    return {"message": "EndOfUtterance", "format": FORMAT, "metadata": at}


def end_of_transcript() -> dict[str, Any]:
    return {"message": "EndOfTranscript"}


def quality(rate_hz: int) -> dict[str, Any]:
    """Which kind of model hears audio of this rate: from 12 kHz on, the better one."""
    model = "broadcast" if rate_hz >= 12_000 else "telephony"
    return {
        "message": "Info",
        "type": "recognition_quality",
        "reason": f"Running recognition using a {model} model quality.",
        "quality": model,
    }


def usage(sessions: int, quota: int) -> dict[str, Any]:
    return {
        "message": "Info",
        "type": "concurrent_session_usage",
        "reason": f"{sessions} concurrent sessions active out of quota {quota}",
        "usage": sessions,
        "quota": quota,
        "last_updated": "2026-11-20T08:45:31Z",
    }


def speakers(labels: Iterable[str]) -> dict[str, Any]:
    return {
        "message": "SpeakersResult",
        "speakers": [{"label": each, "speaker_identifiers": ["XX=="]} for each in labels],
    }


def warning(kind: str, reason: str) -> dict[str, Any]:
    return {"message": "Warning", "type": kind, "reason": reason}


def error(kind: str, reason: str) -> dict[str, Any]:
    return {"message": "Error", "type": kind, "reason": reason}


def seconds(ms: float) -> float:
    return round(ms / 1_000, 3)


def _results(word: Word, voice: Voice) -> list[dict[str, Any]]:
    """A word, and the mark behind it."""
    bare = word.text.rstrip(MARKS)
    mark = word.text[len(bare) :]
    start, end = seconds(word.start_ms), seconds(word.end_ms)
    results: list[dict[str, Any]] = []
    if bare:
        results.append(
            {
                "type": "word",
                "start_time": start,
                "end_time": end,
                "alternatives": [_alternative(bare, voice)],
            }
        )
    if mark:
        results.append(
            {
                "type": "punctuation",
                "start_time": end,
                "end_time": end,
                "attaches_to": "previous",
                "is_eos": mark[-1] in SENTENCE_ENDS,
                "alternatives": [_alternative(mark, voice)],
            }
        )
    return results


def _alternative(content: str, voice: Voice) -> dict[str, Any]:
    body: dict[str, Any] = {"content": content, "confidence": 0.98, "language": voice.language}
    if content.lower() in DISFLUENCIES:
        body["tags"] = ["disfluency"]
    if voice.speaker:
        body["speaker"] = voice.speaker
    return body
