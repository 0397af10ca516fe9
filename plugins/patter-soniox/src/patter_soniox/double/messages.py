"""Every message that Soniox sends, as values; soniox 2.10 has a model of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from patter.providers.stt import Word

Body: TypeAlias = dict[str, Any]

CONFIDENCE = 0.97
REQUEST_ID = "3d37a3bd-5078-47ee-a369-b204e3bbedda"
SPLIT_LETTERS = 4
"""Longer words come as two tokens."""

LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian"}


def tokens(
    word: Word, *, first: bool, final: bool, language: str = "", speaker: str = ""
) -> list[Body]:
    """The tokens of *word*: parts of it, the first with a blank, unless the *first* of a stream."""
    blank = "" if first else " "
    cut = len(word.text) // 2 if len(word.text) > SPLIT_LETTERS else len(word.text)
    middle_ms = word.start_ms + (word.end_ms - word.start_ms) * cut // max(len(word.text), 1)
    parts = [(blank + word.text[:cut], word.start_ms, middle_ms)]
    if word.text[cut:]:
        parts.append((word.text[cut:], middle_ms, word.end_ms))
    return [
        {
            "text": text,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "confidence": CONFIDENCE,
            "is_final": final,
            **({"language": language} if language else {}),
            **({"speaker": speaker} if speaker else {}),
        }
        for text, start_ms, end_ms in parts
    ]


def marker(text: str) -> Body:
    """``<end>`` or ``<fin>``, which is a token like any other, and always final."""
    return {"text": text, "is_final": True}


def response(parts: Iterable[Body], *, final_ms: float, total_ms: float) -> Body:
    """What was understood up to *total_ms*, of which *final_ms* is final."""
    return {
        "tokens": list(parts),
        "final_audio_proc_ms": int(final_ms),
        "total_audio_proc_ms": int(total_ms),
    }


def finished(total_ms: float) -> Body:
    """The last message of a stream that was ended by its client."""
    return {**response((), final_ms=total_ms, total_ms=total_ms), "finished": True}


def error(code: int, words: str) -> Body:
    """The last message of a stream that Soniox ends."""
    return {"tokens": [], "error_code": code, "error_message": words}


def api_error(status: int, kind: str, words: str) -> Body:
    """What the API answers with a *status* that is no success."""
    return {
        "status_code": status,
        "error_type": kind,
        "message": words,
        "validation_errors": [],
        "request_id": REQUEST_ID,
        "more_info": f"https://soniox.com/docs/api-reference/errors#{kind}",
    }


def model(name: str, *, live: bool = True, alias_of: str | None = None) -> Body:
    """A model in the list of the API; from version 5 on the sensitivity of endpoints is an option.

    Versions are told by *name*, or by what it is an alias of.
    """
    newest = "-v5" in (alias_of or name)
    return {
        "id": name,
        "aliased_model_id": alias_of,
        "name": f"Speech-to-Text {name}",
        "context_version": 2,
        "transcription_mode": "real_time" if live else "async",
        "languages": [{"code": code, "name": spoken} for code, spoken in LANGUAGES.items()],
        "supports_language_hints_strict": True,
        "supports_max_endpoint_delay": live,
        "supports_endpoint_sensitivity": live and newest,
        "supports_endpoint_latency_adjustment": live and newest,
        "endpoint_latency_adjustment_max_level": 3 if live and newest else 0,
        "translation_targets": [],
        "two_way_translation_pairs": [],
        "one_way_translation": "all_languages",
        "two_way_translation": "all_languages",
    }


def models(entries: Iterable[Body]) -> Body:
    return {"models": list(entries)}
