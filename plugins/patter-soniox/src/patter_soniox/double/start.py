"""The first message of a stream, read as strictly as Soniox documents it.

What is wrong with it is an `Ends`, with the words of Soniox's own list of errors. Unknown fields
and wrong types are malformed here; Soniox does not say what it does about them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter_soniox.double.messages import LANGUAGES, Body

RAW = {"mulaw": Encoding.MULAW, "alaw": Encoding.ALAW, "pcm_s16le": Encoding.PCM16}
"""The formats that this double hears, of those that Soniox does."""

MOST_CONTEXT, MOST_REFERENCE = 10_000, 256
MALFORMED = "Start request is malformed."


class Ends(Exception):
    """Soniox says what is wrong, by an HTTP status and in words, and ends the stream."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


def _list_of(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(inner, value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _between(least: float, most: float, whole: bool = True) -> Callable[[Any], bool]:
    kinds = int if whole else (int, float)

    def fits(value: Any) -> bool:
        return not _flag(value) and isinstance(value, kinds) and least <= value <= most

    return fits


def _object(**fields: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """An object with some of *fields*, and no others."""

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(
            name in fields and fields[name](each) for name, each in value.items()
        )

    return fits


FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "api_key": _text,
    "model": _text,
    "audio_format": _text,
    "sample_rate": _between(2_000, 96_000),
    "num_channels": _between(1, 8),
    "language_hints": _list_of(_text),
    "language_hints_strict": _flag,
    "context": _object(
        general=_list_of(_object(key=_text, value=_text)),
        text=_text,
        terms=_list_of(_text),
        translation_terms=_list_of(_object(source=_text, target=_text)),
    ),
    "enable_speaker_diarization": _flag,
    "enable_language_identification": _flag,
    "enable_endpoint_detection": _flag,
    "max_endpoint_delay_ms": _between(500, 3_000),
    "endpoint_sensitivity": _between(-1.0, 1.0, whole=False),
    "endpoint_latency_adjustment_level": _between(0, 3),
    "client_reference_id": _text,
    "translation": lambda value: isinstance(value, dict),
}


@attrs.frozen
class Start:
    """What was asked for; *body* is the whole message."""

    body: Body
    audio: AudioFormat

    def flag(self, name: str) -> bool:
        """Is the option *name* on? All are off unless they are asked for."""
        return self.body.get(name) is True

    @property
    def endpoint_delay_ms(self) -> int:
        """How long after the voice an endpoint may come at the latest."""
        return int(self.body.get("max_endpoint_delay_ms", 2_000))


def read(frame: str | bytes, models: Mapping[str, Body]) -> Start:
    """The first message of a stream, for one of *models*. Raises Ends."""
    if not isinstance(frame, str):
        raise Ends(400, "Start request must be a text message.")
    try:
        body = json.loads(frame)
    except (ValueError, RecursionError):
        raise Ends(400, MALFORMED) from None
    if not isinstance(body, dict):
        raise Ends(400, MALFORMED)
    _check_long(body)
    for name, value in body.items():
        if name not in FIELDS or not FIELDS[name](value):
            raise Ends(400, f"{MALFORMED} ({name})")
    _check_model(body, models)
    _check_languages(body)
    return Start(body, _audio(body))


def _check_long(body: Body) -> None:
    if len(str(body.get("client_reference_id", ""))) > MOST_REFERENCE:
        raise Ends(400, f"Client reference ID is too long (max length {MOST_REFERENCE})")
    context = body.get("context") or {}
    if isinstance(context, dict) and sum(map(len, _texts_in(context))) > MOST_CONTEXT:
        raise Ends(400, f"Context is too long (max length {MOST_CONTEXT}).")


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _texts_in(each)]
    return [value] if isinstance(value, str) else []


def _check_model(body: Body, models: Mapping[str, Body]) -> None:
    model = models.get(body.get("model", ""))
    if model is None or model["transcription_mode"] != "real_time":
        raise Ends(400, "Invalid model specified.")
    if "endpoint_sensitivity" in body and not model["supports_endpoint_sensitivity"]:
        raise Ends(400, "Model does not support endpoint sensitivity.")
    level = body.get("endpoint_latency_adjustment_level", 0)
    if level > model["endpoint_latency_adjustment_max_level"]:
        raise Ends(400, "Model does not support this endpoint latency adjustment level.")
    if "translation" in body:
        raise Ends(400, "Model does not support translations.")


def _check_languages(body: Body) -> None:
    hints = body.get("language_hints", [])
    if any(hint not in LANGUAGES for hint in hints):
        raise Ends(400, "Invalid language hint.")
    if len(set(hints)) < len(hints):
        raise Ends(400, "Language hints must be unique.")


def _audio(body: Body) -> AudioFormat:
    name = body.get("audio_format")
    if not name:
        raise Ends(400, 'Missing audio format. Specify a valid audio format or "auto".')
    if name not in RAW:
        raise Ends(400, f"Invalid audio data format: {name}")
    for field, words in (("sample_rate", "sample rate"), ("num_channels", "channels")):
        if field not in body:
            raise Ends(400, f"Audio data {words} must be specified for PCM formats")
    if body["num_channels"] != 1:
        raise Ends(400, "Audio decode error (this double hears one channel)")
    return AudioFormat(RAW[name], body["sample_rate"])
