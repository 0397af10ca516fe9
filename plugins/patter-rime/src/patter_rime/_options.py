"""Options of a voice, the same over a WebSocket and over HTTP, and which models take which.

Sources: docs.rime.ai, the references of Coda, Arcana and Mist, "Playback speed", "Models".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding
from patter.errors import PatterConfigError
from patter.vendors.options import number, switch

KEY = "RIME_API_KEY"
TIMEOUT_MS = 4_000
NEGOTIATED = (MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)
"""What a carrier may choose from, best first: telephones need no conversion."""

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Rates that every model takes."""

_MODEL = re.compile(r"(coda|arcana|mist)(v\d+)?\Z")
_OLD_MIST = frozenset({"mist", "mistv1", "mistv2"})

_SAMPLING = ("repetition_penalty", "temperature", "top_p", "max_tokens")
_BRACKETS = ("pause_between_brackets", "inline_speed_alpha")
_OLD = ("reduce_latency", "phonemize_between_brackets", "no_text_normalization", "save_oovs")
_WIRE = {
    "speed_alpha": "speedAlpha",
    "time_scale_factor": "timeScaleFactor",
    "repetition_penalty": "repetition_penalty",
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "reduce_latency": "reduceLatency",
    "pause_between_brackets": "pauseBetweenBrackets",
    "phonemize_between_brackets": "phonemizeBetweenBrackets",
    "inline_speed_alpha": "inlineSpeedAlpha",
    "no_text_normalization": "noTextNormalization",
    "save_oovs": "saveOovs",
}
"""Options that some models take, by their names here, and what Rime calls them."""


def takes(model: str) -> frozenset[str]:
    """The options that *model* takes beyond those that all do.

    >>> "temperature" in takes("coda"), "temperature" in takes("mistv3")
    (True, False)
    """
    if not model.startswith("mist"):
        return frozenset((*_SAMPLING, "speed_alpha", "time_scale_factor"))
    if model in _OLD_MIST:
        return frozenset((*_BRACKETS, *_OLD, "speed_alpha"))
    return frozenset((*_BRACKETS, "speed_alpha", "time_scale_factor"))


def _check_model(_: object, __: object, model: str) -> None:
    # Rime serves a name that it does not know with Mist v3, without an error.
    if not _MODEL.match(model):
        raise PatterConfigError(
            f"{model!r} is not a model of Rime",
            fix="choose coda, mistv3, mistv2, mist or arcana",
        )


def _speaker(settings: Any) -> str:
    return "cove" if settings.model.startswith("mist") else "astra"


def _rate(_: object, __: object, rate_hz: int | None) -> None:
    if rate_hz is not None and rate_hz not in RATES:
        raise PatterConfigError(
            f"sample_rate is {rate_hz}", fix=f"choose one of {', '.join(map(str, RATES))}"
        )


@attrs.frozen(kw_only=True)
class SpeechOptions:
    """What both voices can be told; None leaves a thing to Rime.

    *speaker* and *lang* (``eng`` or ``en``) have to be the model's: Rime may take another pair,
    and speak with another voice. *sample_rate*: PCM of that rate alone; None is what a call needs.
    *time_scale_factor*, 0.4 to 2.5: above 1 is slower. *speed_alpha*, 0.1 to 10: above 1 is
    faster, but slower with Mist v2 and older. *repetition_penalty* is from 1 to 2, *temperature*
    and *top_p* from 0 to 1, *max_tokens* from 200 to 5000. *pause_between_brackets*: ``<200>`` in
    a text is a pause of 200 ms. *inline_speed_alpha*: speeds of the words in square brackets, as
    ``0.5, 3``. *phonemize_between_brackets*: ``{h'El.o}`` is spoken as written.
    *reduce_latency* and *no_text_normalization*: digits and abbreviations may be mispronounced.
    *save_oovs*: Rime keeps the words that it does not know. *timeout_ms* is how long audio may be
    owed, 1 to 60000.

    Raises PatterConfigError for a value that Rime would refuse, and for an option that the model
    would ignore.
    """

    model: str = attrs.field(default="arcana", converter=str, validator=_check_model)
    speaker: str = attrs.field(default=attrs.Factory(_speaker, takes_self=True))
    lang: str = "eng"
    sample_rate: int | None = number(None, 8_000, 48_000, whole=True)
    speed_alpha: float | None = number(None, 0.1, 10)
    time_scale_factor: float | None = number(None, 0.4, 2.5)
    repetition_penalty: float | None = number(None, 1, 2)
    temperature: float | None = number(None, 0, 1)
    top_p: float | None = number(None, 0, 1)
    max_tokens: int | None = number(None, 200, 5_000, whole=True)
    reduce_latency: bool | None = switch(None)
    pause_between_brackets: bool | None = switch(None)
    phonemize_between_brackets: bool | None = switch(None)
    inline_speed_alpha: str | None = attrs.field(
        default=None, converter=attrs.converters.optional(str)
    )
    no_text_normalization: bool | None = switch(None)
    save_oovs: bool | None = switch(None)
    timeout_ms: float = number(TIMEOUT_MS, 1, 60_000)

    def __attrs_post_init__(self) -> None:
        _rate(self, None, self.sample_rate)
        for name in ("speaker", "lang"):
            if not getattr(self, name).strip():
                raise PatterConfigError(
                    f"{name} is empty", fix="choose one of docs.rime.ai/docs/voices"
                )
        fitting = takes(self.model)
        for name in _WIRE:
            if getattr(self, name) is not None and name not in fitting:
                raise PatterConfigError(
                    f"{self.model} does not take {name}",
                    fix=f"leave it out; {self.model} takes {', '.join(sorted(fitting))}",
                )

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """What it can deliver: PCM of the rate that was chosen, else what a call chooses from."""
        if self.sample_rate is None:
            return NEGOTIATED
        return (AudioFormat(Encoding.PCM16, self.sample_rate),)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        base_url: str = getattr(self, "base_url")  # noqa: B009  each voice has its own
        return (urlsplit(base_url).hostname or "",)

    def request_fields(self, audio: AudioFormat) -> dict[str, Any]:
        """What is asked of Rime for speech in *audio*, by its own names, without the text."""
        optional = {wire: getattr(self, name) for name, wire in _WIRE.items()}
        return {
            "speaker": self.speaker,
            "modelId": self.model,
            "lang": self.lang,
            "samplingRate": audio.rate_hz,
            **{name: value for name, value in optional.items() if value is not None},
        }
