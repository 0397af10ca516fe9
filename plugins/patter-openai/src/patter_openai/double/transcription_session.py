"""The settings of a transcription session as the vendor keeps them: its defaults, its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter_testing.doubles.api_refusal import Refusal

LIVE = ("gpt-live-transcribe", "gpt-realtime-whisper")
"""Models that transcribe while somebody speaks."""

MODELS = (
    *LIVE,
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
    "whisper-1",
)
FORMATS: dict[str, AudioFormat] = {
    "audio/pcm": PCM16_24K,
    "audio/pcmu": MULAW_8K,
    "audio/pcma": ALAW_8K,
}
LOGPROBS = "item.input_audio_transcription.logprobs"
_VAD: dict[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
}
_FIELDS: dict[str, set[str]] = {
    "session": {"type", "audio", "include"},
    "session.audio": {"input"},
    "session.audio.input": {"format", "noise_reduction", "transcription", "turn_detection"},
    "session.audio.input.format": {"type", "rate"},
    "session.audio.input.noise_reduction": {"type", "strength"},
    "session.audio.input.transcription": {
        "model",
        "language",
        "languages",
        "prompt",
        "keywords",
        "delay",
    },
    "session.audio.input.turn_detection": {
        *_VAD,
        "eagerness",
        "create_response",
        "interrupt_response",
        "idle_timeout_ms",
    },
}


@attrs.frozen
class Settings:
    """One session's; *input* is ``session.audio.input``, detection of pauses on by default."""

    input: Mapping[str, Any] = attrs.field(
        factory=lambda: {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "noise_reduction": None,
            "transcription": None,
            "turn_detection": _VAD,
        }
    )
    include: tuple[str, ...] = ()

    @property
    def audio(self) -> AudioFormat:
        """What the client sends."""
        return FORMATS[self.input["format"]["type"]]

    @property
    def model(self) -> str:
        """What transcribes."""
        return str((self.input["transcription"] or {}).get("model", ""))

    @property
    def hears_voice(self) -> bool:
        """Does the vendor find the pauses?"""
        return self.input["turn_detection"] is not None

    @property
    def pause_ms(self) -> float:
        """After so much silence it commits; 0 is never."""
        detection = self.input["turn_detection"]
        return float(detection.get("silence_duration_ms", 500)) if detection else 0.0

    @property
    def prefix_ms(self) -> int:
        """How much before a voice belongs to it."""
        return int((self.input["turn_detection"] or {}).get("prefix_padding_ms", 300))

    def logprobs(self, text: str) -> dict[str, Any]:
        """The field of that name, where it was asked for."""
        if LOGPROBS not in self.include:
            return {}
        return {
            "logprobs": [
                {"token": word, "bytes": list(word.encode()), "logprob": -0.1}
                for word in text.split()
            ]
        }

    def as_json(self) -> dict[str, Any]:
        """The session, as events tell it."""
        shown = {name: value for name, value in self.input.items() if value is not None}
        session: dict[str, Any] = {"type": "transcription", "audio": {"input": shown}}
        return {**session, "include": list(self.include)} if self.include else session

    def updated(self, session: Any) -> Settings:
        """With what *session* says. Raises Refusal for what the vendor would refuse."""
        _check_known(session, "session")
        if session.get("type") != "transcription":
            raise Refusal(
                "Passing a realtime session update event to a transcription session is "
                "not allowed.",
                param="session.type",
                code="invalid_value",
            )
        changes = (session.get("audio") or {}).get("input") or {}
        new = {**self.input, **changes}
        _check_input(new)
        return attrs.evolve(self, input=new, include=tuple(session.get("include") or self.include))


def _check_known(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise Refusal(f"Invalid type for '{path}'.", param=path, code="invalid_type")
    for name, inner in value.items():
        if name not in _FIELDS[path]:
            raise Refusal(
                f"Unknown parameter: '{path}.{name}'.",
                param=f"{path}.{name}",
                code="unknown_parameter",
            )
        if f"{path}.{name}" in _FIELDS and inner is not None:
            _check_known(inner, f"{path}.{name}")


def _check_input(new: Mapping[str, Any]) -> None:
    path = "session.audio.input"
    form, spoken, detection = new["format"], new["transcription"], new["turn_detection"]
    if form.get("type") not in FORMATS or form.get("rate", 24_000) != 24_000:
        raise Refusal("Invalid format.", param=f"{path}.format", code="invalid_value")
    if not spoken or spoken.get("model") not in MODELS:
        raise Refusal("Invalid model.", param=f"{path}.transcription.model", code="invalid_value")
    if detection and detection.get("type") not in ("server_vad", "semantic_vad"):
        raise Refusal("Invalid type.", param=f"{path}.turn_detection.type", code="invalid_value")
    if detection and spoken["model"] == "gpt-realtime-whisper":
        raise Refusal(
            "Turn detection is not supported with this model.",
            param=f"{path}.turn_detection",
            code="invalid_value",
        )
    if spoken.get("delay") and spoken["model"] != "gpt-realtime-whisper":
        raise Refusal("'delay' is not supported with this model.", param=f"{path}.transcription")
