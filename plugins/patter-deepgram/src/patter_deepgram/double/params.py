"""What a handshake may ask for: names, values and combinations that Deepgram takes.

It refuses others with 400, a reason in the body, and for sockets the same in a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat, Encoding

if TYPE_CHECKING:
    from multidict import MultiMapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LISTEN_V1 = _names(
    "model language language_hint encoding sample_rate channels multichannel interim_results "
    "endpointing utterance_end_ms vad_events punctuate smart_format no_delay numerals "
    "profanity_filter diarize diarize_model keyterm keywords search replace redact filler_words "
    "dictation detect_entities tag extra mip_opt_out callback callback_method version"
)
LISTEN_V2 = _names(
    "model encoding sample_rate eot_threshold eager_eot_threshold eot_timeout_ms keyterm "
    "language_hint numerals profanity_filter redact mip_opt_out tag"
)
SPEAK_V1 = _names("model encoding sample_rate speed mip_opt_out")
SPEAK_V2 = _names("model encoding sample_rate speed expressivity tag mip_opt_out")
REST = _names("container bit_rate callback callback_method tag")

_BOOLEANS = _names(
    "multichannel interim_results vad_events punctuate smart_format no_delay numerals "
    "profanity_filter diarize filler_words dictation detect_entities mip_opt_out"
)
_ENCODINGS = {"mulaw": Encoding.MULAW, "alaw": Encoding.ALAW, "linear16": Encoding.PCM16}
_HEARD_V1 = re.compile(r"(nova|enhanced|base|whisper)(-[a-z0-9-]+)?\Z")
_HEARD_V2 = re.compile(r"flux-general-(en|multi)\Z")
AURA = re.compile(r"aura-(2-)?[a-z]+-[a-z]{2}\Z")
FLUX = re.compile(r"flux-[a-z]+-en\Z")
NO_SUCH_MODEL = "Bad Request: No such model/language/tier combination found."


class BadParameter(ValueError):
    """What Deepgram answers 400 for."""


@attrs.frozen
class Params:
    """A query, read as Deepgram reads it."""

    query: MultiMapping[str]

    def text(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)

    def flag(self, name: str) -> bool:
        return self.query.get(name) == "true"

    def all(self, name: str) -> list[str]:
        return list(self.query.getall(name, []))

    def number(
        self, name: str, least: float, most: float, default: float | None = None
    ) -> float | None:
        """The number under *name*. Raises BadParameter when it is none, or out of range."""
        if (text := self.query.get(name)) is None:
            return default
        try:
            value = float(text)
        except ValueError:
            raise BadParameter(f"Invalid query string: {name}") from None
        if not least <= value <= most:
            raise BadParameter(f"'{name}' must be between {least:g} and {most:g}")
        return value

    def audio(self, rates: Iterable[int], default: str = "") -> AudioFormat:
        """The format of the audio; with a *default* encoding it need not be there."""
        encoding = self.text("encoding", default)
        if encoding not in _ENCODINGS:
            raise BadParameter(f"Unsupported encoding: {encoding or 'none'}")
        rate = self.number("sample_rate", 8_000, 48_000, 24_000 if default else None)
        if rate is None or int(rate) not in rates:
            raise BadParameter("Unsupported sample_rate")
        return AudioFormat(_ENCODINGS[encoding], int(rate))


def read(query: MultiMapping[str], names: frozenset[str]) -> Params:
    """*query*, whose names are all known. Raises BadParameter."""
    for name, value in query.items():
        if name not in names:
            raise BadParameter(f"Unknown query parameter: {name}")
        if name in _BOOLEANS and value not in ("true", "false"):
            raise BadParameter(f"Invalid query string: {name}")
    return Params(query)


def listen_v1(query: MultiMapping[str]) -> Params:
    """Parameters of a live transcription. Raises BadParameter."""
    params = read(query, LISTEN_V1)
    model = params.text("model", "base")
    if not _HEARD_V1.match(model):
        raise BadParameter(NO_SUCH_MODEL)
    if params.all("keyterm") and not model.startswith("nova-3"):
        raise BadParameter("keyterm is supported by Nova-3 models only")
    if params.all("keywords") and model.startswith("nova-3"):
        raise BadParameter("keywords is not supported by Nova-3 models; use keyterm")
    if params.number("utterance_end_ms", 1_000, 60_000) and not params.flag("interim_results"):
        raise BadParameter("utterance_end_ms requires interim_results=true")
    if params.text("endpointing", "10") not in ("true", "false"):
        params.number("endpointing", 0, 60_000)
    if params.text("diarize_model", "v1") not in ("v1", "latest"):
        raise BadParameter("diarize_model must be v1 or latest on streams")
    return params


def listen_v2(query: MultiMapping[str]) -> Params:
    """Parameters of a Flux session. Raises BadParameter."""
    params = read(query, LISTEN_V2)
    if not _HEARD_V2.match(params.text("model")):
        raise BadParameter(NO_SUCH_MODEL)
    sure = params.number("eot_threshold", 0.5, 1.0, 0.7) or 0.7
    if (params.number("eager_eot_threshold", 0.3, 0.9, 0.0) or 0.0) > sure:
        raise BadParameter("eager_eot_threshold must not be above eot_threshold")
    params.number("eot_timeout_ms", 500, 60_000)
    if params.all("language_hint") and params.text("model") != "flux-general-multi":
        raise BadParameter("language_hint is supported by flux-general-multi only")
    return params


def speak_v1(query: MultiMapping[str], rest: bool = False) -> Params:
    """Parameters of Aura. Raises BadParameter."""
    params = read(query, SPEAK_V1 | REST if rest else SPEAK_V1)
    if not AURA.match(params.text("model", "aura-asteria-en")):
        raise BadParameter(NO_SUCH_MODEL)
    params.number("speed", 0.7, 1.5)
    return params


def speak_v2(query: MultiMapping[str], rest: bool = False) -> Params:
    """Parameters of a Flux voice. Raises BadParameter."""
    params = read(query, SPEAK_V2 | REST if rest else SPEAK_V2)
    if not FLUX.match(params.text("model")):
        raise BadParameter(NO_SUCH_MODEL)
    check_speed(params.number("speed", 0.5, 1.5))
    expressivity = params.number("expressivity", -2, 2, 0)
    if expressivity is not None and expressivity % 1:
        raise BadParameter("EXPRESSIVITY_INCREMENT_INVALID")
    return params


def check_speed(speed: float | None) -> None:
    """Raises BadParameter for a speed between two steps of 0.05."""
    if speed is not None and abs(speed * 20 - round(speed * 20)) > 1e-6:
        raise BadParameter("'speed' must be provided in increments of 0.05")
