"""What a session may ask for, when it connects and while it is up.

Names are those of assemblyai 1.8.2, ranges those of AssemblyAI's AsyncAPI. AssemblyAI opens the
socket whatever is asked for, and answers what it does not take with an Error of code 3006.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.audio.formats import AudioFormat, Encoding

MODELS = (
    "universal-streaming-english",
    "universal-streaming-multilingual",
    "whisper-rt",
    "u3-rt-pro",
    "u3-rt-pro-beta-1",
    "u3-pro",
    "universal-3-5-pro",
    "universal-3-6",
    "universal-3-6-pro",
)
STREAMING = ("universal-streaming", "whisper")
PRO_ONLY = frozenset(
    {
        "prompt",
        "agent_context",
        "language_codes",
        "mode",
        "voice_focus",
        "continuous_partials",
        "interruption_delay",
        "acknowledge_silence",
    }
)
MOST_CONTEXT = 1_750
MOST_TERMS, LONGEST_TERM = 100, 50
_ENCODINGS = {"pcm_mulaw": Encoding.MULAW, "pcm_s16le": Encoding.PCM16}


class BadParameter(ValueError):
    """What AssemblyAI ends a session for."""


def _number(least: float, most: float, whole: bool = True) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            number = int(value) if whole else float(value)
        except (TypeError, ValueError):
            raise BadParameter("not a number") from None
        if isinstance(value, bool) or not least <= number <= most:
            raise BadParameter(f"must be between {least:g} and {most:g}")
        return number

    return read


def _flag(value: Any) -> bool:
    # The SDK writes True into the address as Python does.
    if str(value).lower() not in ("true", "false"):
        raise BadParameter("must be true or false")
    return str(value).lower() == "true"


def _choice(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise BadParameter(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise BadParameter("Invalid JSON array") from None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadParameter("Invalid JSON array")
    return value


def _terms(value: Any) -> list[str]:
    terms = _texts(value)
    if len(terms) > MOST_TERMS or any(len(each) > LONGEST_TERM for each in terms):
        raise BadParameter(f"at most {MOST_TERMS} terms of {LONGEST_TERM} characters")
    return terms


def _languages(value: Any) -> list[str]:
    codes = _texts(value)
    if len(codes) > 10 or ("multi" in codes and len(codes) > 1):
        raise BadParameter("at most 10 languages, or 'multi' alone")
    return codes


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadParameter("must be a string")
    return value


def _context(value: Any) -> str:
    if len(_text(value)) > MOST_CONTEXT:
        raise BadParameter(f"exceeds maximum length of {MOST_CONTEXT} characters")
    return _text(value)


_MS = _number(0, 60_000)
_SHARE = _number(0, 1, whole=False)
LIVE: Mapping[str, Callable[[Any], Any]] = {
    "end_of_turn_confidence_threshold": _SHARE,
    "min_end_of_turn_silence_when_confident": _MS,
    "min_turn_silence": _MS,
    "max_turn_silence": _MS,
    "vad_threshold": _SHARE,
    "format_turns": _flag,
    "keyterms_prompt": _terms,
    "filter_profanity": _flag,
    "prompt": _text,
    "agent_context": _context,
    "interruption_delay": _number(0, 1_000),
    "turn_left_pad_ms": _MS,
    "language_codes": _languages,
    "session_heartbeat": _flag,
    "acknowledge_silence": _flag,
}
CONNECT: Mapping[str, Callable[[Any], Any]] = {
    **LIVE,
    "sample_rate": _number(8_000, 96_000),
    "encoding": _choice("pcm_s16le", "pcm_mulaw", "opus", "ogg_opus", "aac"),
    "speech_model": _choice(*MODELS),
    "language_code": _text,
    "language_detection": _flag,
    "domain": _choice("medical-v1"),
    "inactivity_timeout": _number(5, 3_600),
    "webhook_url": _text,
    "webhook_auth_header_name": _text,
    "webhook_auth_header_value": _text,
    "llm_gateway": _text,
    "speaker_labels": _flag,
    "speaker_labels_revision_interval_ms": _number(0, 3_600_000),
    "max_speakers": _number(1, 100),
    "voice_focus": _choice("near-field", "far-field"),
    "voice_focus_threshold": _SHARE,
    "noise_suppression_model": _choice("near-field", "far-field"),
    "noise_suppression_threshold": _SHARE,
    "continuous_partials": _flag,
    "customer_support_audio_capture": _flag,
    "include_partial_turns": _flag,
    "redact_pii": _flag,
    "redact_pii_policies": _texts,
    "redact_pii_sub": _choice("hash", "entity_name"),
    "mode": _choice("max_accuracy", "min_latency", "balanced"),
    "token": _text,
}


@attrs.define(eq=False)
class Params:
    """What a session asks for, with AssemblyAI's own defaults."""

    values: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.values["speech_model"])

    @property
    def streams(self) -> bool:
        """Is it a model whose words are final one by one, and have no punctuation at first?"""
        return self.model.startswith(STREAMING)

    @property
    def min_silence_ms(self) -> float:
        old = self.values.get("min_end_of_turn_silence_when_confident")
        default = 400 if self.streams else 100
        return float(self.values.get("min_turn_silence", default if old is None else old))

    @property
    def max_silence_ms(self) -> float:
        return float(self.values.get("max_turn_silence", 1_280 if self.streams else 1_000))

    @property
    def threshold(self) -> float:
        return float(self.values.get("end_of_turn_confidence_threshold", 0.4))

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name))

    @property
    def audio(self) -> AudioFormat:
        """The format of its audio. Raises BadParameter for what this double cannot hear."""
        encoding = self.values.get("encoding", "pcm_s16le")
        if encoding not in _ENCODINGS:
            raise BadParameter(f"this double hears no {encoding}: ask for PCM or mu-law")
        if "sample_rate" not in self.values:
            raise BadParameter("sample_rate is required")
        return AudioFormat(_ENCODINGS[encoding], self.values["sample_rate"])

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change what a running session asks for. Raises BadParameter."""
        present = {name: value for name, value in changes.items() if value is not None}
        self.values |= self._fitting(_read(present, LIVE))

    def _fitting(self, changes: dict[str, Any]) -> dict[str, Any]:
        for name in sorted(PRO_ONLY & set(changes)):
            if self.streams:
                raise BadParameter(
                    f"{name} is only supported with the 'u3-rt-pro' speech_model. "
                    f"Current speech_model: '{self.model}'"
                )
        return changes


def connected(query: Mapping[str, str]) -> Params:
    """What *query* asks for. Raises BadParameter."""
    params = Params(_read(query, CONNECT))
    if "speech_model" not in params.values:
        raise BadParameter("speech_model is required")
    params._fitting(params.values)
    return params


def _read(raw: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    values = {}
    for name, value in raw.items():
        if name not in readers:
            raise BadParameter(f"unknown parameter {name!r}")
        try:
            values[name] = readers[name](value)
        except BadParameter as error:
            raise BadParameter(f"{name}: {error}") from None
    return values
