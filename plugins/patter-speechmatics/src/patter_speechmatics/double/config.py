"""What a session may ask for: fields, types and ranges that Speechmatics takes.

As in its realtime reference and in speechmatics-rt 1.2; what neither has, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.audio.formats import AudioFormat, Encoding

Check: TypeAlias = Callable[[Any], bool]
MODELS = ("standard", "enhanced", "melia-1")
_CODES = """
ar ar_en ba be bg bn ca cmn cmn_en cmn_en_ms_ta cs cy da de el en en_ms en_ta eo es et eu fa fi fr
ga gl he hi hr hu ia id it ja ko lt lv mn mr ms mt multi nl no pl pt ro ru sk sl sv sw ta th tl tr
ug uk ur vi yue
"""
LANGUAGES = frozenset(_CODES.split())
"""As docs.speechmatics.com/speech-to-text/languages lists them; "multi" is melia-1's."""

UNSPACED = frozenset({"ja", "th", "yue", "cmn"})
"""Languages that are written without anything between words."""


class Refused(Exception):
    """What Speechmatics refuses: the type of its error, and the reason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind, reason)
        self.kind, self.reason = kind, reason


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _from(least: float, most: float, kind: type = float) -> Check:
    kinds = (int, float) if kind is float else (int,)

    def fits(value: Any) -> bool:
        return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most

    return fits


def _one_of(*values: str) -> Check:
    return lambda value: value in values


def _marks(value: Any) -> bool:
    return _texts(value) and all(mark == "all" or len(mark) == 1 for mark in value)


def _object(**fields: Check) -> Check:
    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(
            name in fields and fields[name](each) for name, each in value.items()
        )

    return fits


def _word(value: Any) -> bool:
    return _text(value) or (
        _object(content=_text, sounds_like=_texts)(value) and "content" in value
    )


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


_LIVE: Mapping[str, Check] = {
    "language": _text,
    "max_delay": _from(0.7, 4),
    "max_delay_mode": _one_of("flexible", "fixed"),
    "enable_partials": _flag,
    "audio_filtering_config": _object(volume_threshold=_from(0, 100)),
    "conversation_config": _object(end_of_utterance_silence_trigger=_from(0, 2)),
}
"""What may change during a session."""

_FIELDS: Mapping[str, Check] = {
    **_LIVE,
    "model": _one_of(*MODELS),
    "operating_point": _one_of(*MODELS),
    "domain": _text,
    "output_locale": _text,
    "additional_vocab": _list_of(_word),
    "diarization": _one_of("none", "speaker"),
    "speaker_diarization_config": _object(
        max_speakers=_from(2, 100, int),
        prefer_current_speaker=_flag,
        speaker_sensitivity=_from(0, 1),
    ),
    "transcript_filtering_config": _object(
        remove_disfluencies=_flag, replacements=_list_of(_object(**{"from": _text, "to": _text}))
    ),
    "enable_entities": _flag,
    "punctuation_overrides": _object(permitted_marks=_marks, sensitivity=_from(0, 1)),
    "language_hints": _texts,
}


@attrs.define
class Config:
    """What a session was asked for, with the vendor's own defaults."""

    body: dict[str, Any]
    audio: AudioFormat

    @property
    def language(self) -> str:
        return str(self.body["language"])

    @property
    def delimiter(self) -> str:
        return "" if self.language in UNSPACED else " "

    @property
    def partials(self) -> bool:
        return bool(self.body.get("enable_partials", False))

    @property
    def max_delay_ms(self) -> float:
        return float(self.body.get("max_delay", 4.0)) * 1_000

    @property
    def trigger_ms(self) -> float:
        """How much silence ends an utterance; 0: none does."""
        conversation = self.body.get("conversation_config") or {}
        return float(conversation.get("end_of_utterance_silence_trigger", 0.0)) * 1_000

    @property
    def tells_speakers(self) -> bool:
        return self.body.get("diarization") == "speaker"

    def change(self, body: Mapping[str, Any]) -> None:
        """Take a `SetRecognitionConfig`. Raises Refused."""
        wanted = _checked(_only(body, "transcription_config")["transcription_config"], _LIVE)
        if wanted.get("language", self.language) != self.language:
            raise Refused("invalid_config", "language cannot be changed")
        self.body.update(wanted)


def start(body: Mapping[str, Any]) -> Config:
    """What a `StartRecognition` asks for. Raises Refused."""
    fields = _only(body, "audio_format", "transcription_config")
    audio = _audio(fields["audio_format"])
    config = _checked(fields["transcription_config"], _FIELDS)
    if "language" not in config:
        raise Refused("invalid_config", "language is required")
    if config["language"] not in LANGUAGES:
        raise Refused("invalid_language", f"lang pack [{config['language']}] is not supported")
    if "model" in config and "operating_point" in config:
        raise Refused("invalid_config", "model and operating_point cannot both be set")
    return Config(config, audio)


def forced_at(body: Mapping[str, Any]) -> float | None:
    """The time of a `ForceEndOfUtterance`, in seconds, if it has one. Raises Refused."""
    timestamp = _only(body, optional=("timestamp",)).get("timestamp")
    if timestamp is not None and not _from(0, float("inf"))(timestamp):
        raise Refused("invalid_message", "timestamp is not valid")
    return timestamp


def last_seq_no(body: Mapping[str, Any]) -> int:
    """The number of the last frame, by an `EndOfStream`. Raises Refused."""
    number: Any = _only(body, "last_seq_no")["last_seq_no"]
    if not _from(0, float("inf"), int)(number):
        raise Refused("invalid_message", "last_seq_no is not valid")
    return int(number)


def _only(
    body: Mapping[str, Any], *required: str, optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """*body*, which has what is required, and nothing that is unknown. Raises Refused."""
    if missing := set(required) - set(body):
        raise Refused("invalid_message", f"{sorted(missing)[0]} is required")
    if unknown := set(body) - set(required) - set(optional) - {"message"}:
        raise Refused("invalid_message", f"{sorted(unknown)[0]} is not known")
    return body


def _checked(config: Any, fields: Mapping[str, Check]) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise Refused("invalid_config", "transcription_config is not an object")
    for name, value in config.items():
        if name not in fields:
            raise Refused("invalid_config", f"{name} is not allowed")
        if not fields[name](value):
            raise Refused("invalid_config", f"{name} is not valid")
    return config


def _audio(body: Any) -> AudioFormat:
    """The format of the audio: raw, of one channel. Raises Refused; this double reads no files."""
    encodings = {"mulaw": Encoding.MULAW, "pcm_s16le": Encoding.PCM16}
    match body:
        case {"type": "raw", "encoding": str(encoding), "sample_rate": int(rate)}:
            if encoding in encodings and 8_000 <= rate <= 48_000 and len(body) == 3:
                return AudioFormat(encodings[encoding], rate)
    raise Refused("invalid_audio_type", "audio_format is not supported")
