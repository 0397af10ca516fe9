"""What a handshake may ask for: names, values and combinations that Cartesia takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat, Encoding

if TYPE_CHECKING:
    from multidict import MultiMapping

EVERYWHERE = frozenset({"cartesia_version", "api_key", "access_token"})
MANUAL = frozenset(
    {
        "model",
        "encoding",
        "sample_rate",
        "language",
        "keyterm",
        "min_volume",
        "max_silence_duration_secs",
    }
)
THRESHOLDS = {
    "turn_start_threshold": (0.5, 0.9, 0.8),
    "turn_eager_end_threshold": (0.3, 0.6, 0.4),
    "turn_end_threshold": (0.05, 0.5, 0.2),
    "turn_end_timeout_ms": (640.0, 11_200.0, 5_600.0),
}
"""Least, most, and Cartesia's own."""

TURNS = frozenset({"model", "encoding", "sample_rate", "keyterm", *THRESHOLDS})
MANUAL_MODELS = ("ink-2", "ink-whisper", "ink-whisper-2025-06-04")
TURNS_MODELS = ("ink-2",)
ENCODINGS = {
    "pcm_mulaw": Encoding.MULAW,
    "pcm_alaw": Encoding.ALAW,
    "pcm_s16le": Encoding.PCM16,
}
"""Those of Cartesia's that a call can have; the others are refused here."""

_VERSION = re.compile(r"20\d\d-\d\d-\d\d\Z")


class BadParameter(ValueError):
    """What Cartesia answers 400 for."""


class NoSuchModel(ValueError):
    """What Cartesia opens a socket for, to say so in an event."""


@attrs.frozen
class Params:
    """A query, read as Cartesia reads it."""

    query: MultiMapping[str]

    def text(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)

    def all(self, name: str) -> list[str]:
        return list(self.query.getall(name, []))

    def number(self, name: str, least: float, most: float, default: float) -> float:
        """The number under *name*. Raises BadParameter when it is none, or out of range."""
        try:
            value = float(self.query.get(name, default))
        except ValueError:
            raise BadParameter(f"{name} must be a number") from None
        if not least <= value <= most:
            raise BadParameter(f"{name} must be between {least:g} and {most:g}")
        return value

    def audio(self) -> AudioFormat:
        """The format of the audio. Raises BadParameter."""
        if (encoding := self.text("encoding")) not in ENCODINGS:
            raise BadParameter(f"encoding {encoding!r} is not supported")
        rate = self.number("sample_rate", 8_000, 48_000, 0.0)
        return AudioFormat(ENCODINGS[encoding], int(rate))


def check_version(version: str) -> None:
    """Raise BadParameter unless *version* is a date."""
    if not _VERSION.match(version):
        raise BadParameter("Cartesia-Version is required")


def manual(query: MultiMapping[str]) -> Params:
    """Parameters of ``/stt/websocket``. Raises BadParameter or NoSuchModel."""
    params = _read(query, MANUAL)
    if not (model := params.text("model")).startswith("ink-whisper"):
        for name in ("min_volume", "max_silence_duration_secs"):
            if name in query:
                raise BadParameter(f"{name} is used by ink-whisper models only")
    _check_model(model, MANUAL_MODELS)
    if model == "ink-2" and params.text("language", "en") != "en":
        raise BadParameter("ink-2 supports English only")
    return params


def turns(query: MultiMapping[str]) -> Params:
    """Parameters of ``/stt/turns/websocket``. Raises BadParameter or NoSuchModel."""
    params = _read(query, TURNS)
    thresholds(params)
    _check_model(params.text("model"), TURNS_MODELS)
    return params


def thresholds(params: Params) -> dict[str, float]:
    """All thresholds. Raises BadParameter for one out of its range, or out of order."""
    values = {name: params.number(name, *limits) for name, limits in THRESHOLDS.items()}
    check_order(values)
    return values


def check_order(values: dict[str, float]) -> None:
    """Raise BadParameter for thresholds that do not rise from end to start."""
    start, eager, end, _ = (values[name] for name in THRESHOLDS)
    if not end < eager < start:
        raise BadParameter("thresholds must be ordered: end < eager_end < start")


def _read(query: MultiMapping[str], names: frozenset[str]) -> Params:
    for name in query:
        if name not in names | EVERYWHERE:
            raise BadParameter(f"unknown query parameter {name!r}")
    params = Params(query)
    params.audio()
    terms = params.all("keyterm")
    if len(terms) > 100 or sum(map(len, terms)) > 1_200:
        raise BadParameter("up to 100 keyterms totaling 1200 characters")
    return params


def _check_model(model: str, models: tuple[str, ...]) -> None:
    if not model:
        raise BadParameter("model is required")
    if model not in models:
        raise NoSuchModel(model)
