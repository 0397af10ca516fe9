"""What may be asked for, in an address or in the body of a request, and what Rime makes of it.

It refuses little: a model that it does not know is served by Mist v3, and a name that means nothing
is ignored. `SpeechRequest.ignored` is what it would have ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.audio.formats import AudioFormat, Encoding

DEFAULT_MODEL = "mistv3"
SPEAKERS = frozenset(
    {"akatsuki", "andromeda", "astra", "celeste", "clementine", "cove"}
    | {"eucalyptus", "juan", "luna", "lyra", "nadi", "taru"}
)
"""A few of the vendor's voices; the double takes each of them for every model."""

TEXT_MOST = 1_000
_LLM_RATES = frozenset({8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000})
_DEFAULT_RATES = {"mp3": 22_050, "pcm": 16_000, "mulaw": 8_000}
_LANGS = {
    "llm": "en eng es spa fr fra pt por de ger deu ja jpn ar ara hi hin",
    "mist": "en eng es spa fr fra de ger deu hi hin",
}
_TIMED = frozenset({"", "en", "eng", "es", "spa"})
_COMMON = frozenset({"speaker", "modelId", "lang", "language", "samplingRate", "speedAlpha"})
_SOCKET = frozenset({"audioFormat", "segment", "immediate"})
_LLM = frozenset({"timeScaleFactor", "temperature", "top_p", "repetition_penalty", "max_tokens"})
_MIST = frozenset({"pauseBetweenBrackets", "inlineSpeedAlpha"})
_OLD_MIST = frozenset(
    {"reduceLatency", "phonemizeBetweenBrackets", "noTextNormalization", "saveOovs"}
)
_NUMBERS = frozenset({"samplingRate", "speedAlpha"}) | _LLM
_BOOLEANS = frozenset({"immediate", "pauseBetweenBrackets"}) | _OLD_MIST
_SEGMENTS = ("bySentence", "immediate", "never")
_KINDS = {
    "audio/l16": "pcm",
    "audio/pcm": "pcm",
    "audio/pcmu": "mulaw",
    "audio/x-mulaw": "mulaw",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


class BadRequest(ValueError):
    """What Rime answers 400 for, in its words."""


@attrs.frozen
class SpeechRequest:
    """What a client asked for, read as Rime reads it."""

    model: str
    speaker: str
    lang: str
    audio: AudioFormat
    segment: str = "bySentence"
    ignored: tuple[str, ...] = ()

    @property
    def times_words(self) -> bool:
        """Are words timed? In English and Spanish alone, or when no language is named."""
        return self.lang in _TIMED

    @property
    def splits_punctuation(self) -> bool:
        """Is punctuation a word of its own? With Mist v2, as its reference shows it."""
        return self.model in ("mist", "mistv2")


def of_query(query: Mapping[str, str]) -> SpeechRequest:
    """What the address of a socket asks for. Raises BadRequest."""
    segment = query.get("segment") or "bySentence"
    if query.get("immediate") == "true":
        segment = "immediate"
    if segment not in _SEGMENTS:
        raise BadRequest(f"segment must be one of {', '.join(_SEGMENTS)}")
    values: dict[str, Any] = dict(query)
    for name in _NUMBERS & set(query):
        values[name] = _number(name, query[name])
    for name in _BOOLEANS & set(query):
        if query[name] not in ("true", "false"):
            raise BadRequest(f"{name} must be true or false")
    request = _request(values, str(query.get("audioFormat", "mp3")), _SOCKET)
    return attrs.evolve(request, segment=segment)


def of_body(body: object, accept: str) -> tuple[SpeechRequest, str]:
    """What the body of a request asks for, and its text. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest("payload must be an object")
    if "text" not in body:
        raise BadRequest("text is required")
    text = body["text"]
    if not isinstance(text, str):
        raise BadRequest("text must be a string")
    if not text:
        raise BadRequest("text must not be empty")
    if len(text) > TEXT_MOST:
        raise BadRequest("text is too long")
    kind = accept.split(",")[0].split(";")[0].strip().lower()
    return _request(body, _KINDS.get(kind, "mp3"), frozenset({"text"})), text


def _request(values: Mapping[str, Any], encoding: str, also: frozenset[str]) -> SpeechRequest:
    speaker = values.get("speaker")
    if not speaker:
        raise BadRequest("speaker is required")
    model = str(values.get("modelId") or DEFAULT_MODEL)
    lang = values.get("lang", values.get("language", ""))
    if not isinstance(lang, str):
        raise BadRequest("lang must be a string")
    served = _served(model)
    family = "mist" if served.startswith("mist") else "llm"
    if lang and lang not in _LANGS[family].split():
        raise BadRequest(f"Language {lang} is not supported for model {served}")
    audio = _audio(encoding, values.get("samplingRate"), family)
    fields = _COMMON | also | _taken(served)
    ignored = tuple(name for name in values if name not in fields)
    return SpeechRequest(served, str(speaker), lang, audio, ignored=ignored)


def _served(model: str) -> str:
    """The model that serves a request for *model*: Coda for Arcana, Mist v3 for what is unknown."""
    if model in ("arcana", "arcanav2", "arcanav3"):
        return "coda"
    return model if model in ("coda", "mist", "mistv2", "mistv3") else DEFAULT_MODEL


def _taken(model: str) -> frozenset[str]:
    if not model.startswith("mist"):
        return _LLM
    return _MIST | (frozenset({"timeScaleFactor"}) if model == "mistv3" else _OLD_MIST)


def _audio(encoding: str, rate: object, family: str) -> AudioFormat:
    if encoding not in _DEFAULT_RATES:
        raise BadRequest("audioFormat must be one of mp3, mulaw, pcm")
    if encoding == "mp3":
        raise BadRequest("this double makes no mp3: ask for mulaw or pcm")
    default = _DEFAULT_RATES[encoding] if family == "mist" else 24_000
    hertz = _number("samplingRate", default if rate is None else rate)
    fits = 4_000 <= hertz <= 44_100 if family == "mist" else hertz in _LLM_RATES
    if not fits or hertz % 1:
        raise BadRequest("samplingRate is not supported")
    kinds = {"mulaw": Encoding.MULAW, "pcm": Encoding.PCM16}
    return AudioFormat(kinds[encoding], int(hertz))


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} must be a number") from None
