"""What a client may send on ``/tts/websocket``: fields, values, and what stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter_cartesia.double.params import ENCODINGS

REQUIRED = ("context_id", "model_id", "transcript", "voice", "output_format")
FIELDS = frozenset(
    {
        *REQUIRED,
        "continue",
        "flush",
        "language",
        "max_buffer_delay_ms",
        "add_timestamps",
        "add_phoneme_timestamps",
        "use_normalized_timestamps",
        "generation_config",
        "pronunciation_dict_id",
        "speed",
    }
)
CHANGING = frozenset({"transcript", "continue", "flush"})
"""All else is the same in each message of a context."""

MODELS = ("sonic-3.5", "sonic-3", "sonic-latest", "sonic-2", "sonic-turbo")
RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
GENERATION = {"speed": (0.6, 1.5), "volume": (0.5, 2.0)}


class Refused(Exception):
    """Cartesia gives a context up: *status*, *code*, and the words in `args`."""

    def __init__(self, words: str, status: int = 400, code: str = "") -> None:
        super().__init__(words)
        self.status, self.code = status, code


@attrs.frozen
class Generation:
    """What a message asks for."""

    context: str
    text: str
    more: bool
    flush: bool
    audio: AudioFormat
    delay_ms: float
    timestamps: bool
    settings: Mapping[str, Any]


def read(body: Mapping[str, Any], voices: Iterable[str]) -> Generation:
    """The request in *body*, by one of *voices*. Raises Refused."""
    if missing := [name for name in REQUIRED if name not in body]:
        raise Refused(f"{missing[0]} is required")
    if unknown := set(body) - FIELDS:
        raise Refused(f"unknown field {min(unknown)!r}")
    _check_model(body["model_id"])
    _check_voice(body["voice"], voices)
    _check_generation(body.get("generation_config", {}))
    delay_ms = body.get("max_buffer_delay_ms", 3_000)
    if not isinstance(delay_ms, int) or not 0 <= delay_ms <= 5_000:
        raise Refused("max_buffer_delay_ms must be between 0 and 5000")
    more, flush = bool(body.get("continue", False)), bool(body.get("flush", False))
    if flush and not more:
        raise Refused("flush needs continue")
    if not isinstance(body["transcript"], str) or not isinstance(body["context_id"], str):
        raise Refused("transcript and context_id must be strings")
    return Generation(
        context=body["context_id"],
        text=body["transcript"],
        more=more,
        flush=flush,
        audio=_audio(body["output_format"]),
        delay_ms=delay_ms,
        timestamps=bool(body.get("add_timestamps", False)),
        settings={name: value for name, value in body.items() if name not in CHANGING},
    )


def _check_model(model: object) -> None:
    names = [name for name in MODELS if isinstance(model, str) and model.startswith(name)]
    if not names:
        raise Refused("The model is not valid.", code="model_not_found")


def _check_voice(voice: object, voices: Iterable[str]) -> None:
    match voice:
        case str(identifier) | {"mode": "id", "id": str(identifier)} | {"id": str(identifier)}:
            if identifier not in voices:
                raise Refused("There is no such voice.", 404, "voice_not_found")
        case _:
            raise Refused("voice must be an id, or an object with one")


def _check_generation(config: object) -> None:
    if not isinstance(config, dict) or set(config) - {*GENERATION, "emotion"}:
        raise Refused("generation_config is not valid")
    for name, (least, most) in GENERATION.items():
        if not least <= config.get(name, 1.0) <= most:
            raise Refused(f"{name} must be between {least:g} and {most:g}")


def _audio(wanted: object) -> AudioFormat:
    match wanted:
        case {"container": "raw", "encoding": str(encoding), "sample_rate": int(rate), **rest}:
            if encoding in ENCODINGS and rate in RATES and not rest:
                return AudioFormat(ENCODINGS[encoding], rate)
    raise Refused("output_format is not supported on WebSockets")
