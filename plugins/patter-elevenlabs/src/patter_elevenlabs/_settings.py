"""Options of a voice, the same over a WebSocket and over HTTP, read from values or from text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
    Encoding,
)
from patter.errors import PatterConfigError
from patter.vendors.options import address, choice, number, switch
from patter_elevenlabs._voices import voice_id

FORMATS: Mapping[str, AudioFormat] = {
    "ulaw_8000": MULAW_8K,
    "alaw_8000": ALAW_8K,
    "pcm_8000": PCM16_8K,
    "pcm_16000": PCM16_16K,
    "pcm_24000": PCM16_24K,
    "pcm_22050": AudioFormat(Encoding.PCM16, 22_050),
    "pcm_32000": AudioFormat(Encoding.PCM16, 32_000),
    "pcm_44100": AudioFormat(Encoding.PCM16, 44_100),
    "pcm_48000": AudioFormat(Encoding.PCM16, 48_000),
}
"""ElevenLabs' names of audio that is not compressed."""

NEGOTIATED = (MULAW_8K, ALAW_8K, PCM16_16K, PCM16_24K, PCM16_8K)
"""What a carrier may choose from, best first: telephones need no conversion."""

BASE_URL = "https://api.elevenlabs.io"
KEY = "ELEVENLABS_API_KEY"
MOST_SEED = 2**32 - 1


def format_name(audio: AudioFormat) -> str:
    """What ElevenLabs calls *audio*.

    >>> format_name(MULAW_8K)
    'ulaw_8000'
    """
    return next(name for name, form in FORMATS.items() if form == audio)


@attrs.frozen(kw_only=True)
class VoiceSettings:
    """How a voice speaks; what is None is as its owner has set it at ElevenLabs.

    *stability*, *similarity_boost*, *style*: 0 to 1. *speed*: 0.7 to 1.2, 1 is the voice's own.
    *use_speaker_boost*: more like the speaker, and slower to make.
    """

    stability: float | None = number(None, 0, 1)
    similarity_boost: float | None = number(None, 0, 1)
    style: float | None = number(None, 0, 1)
    use_speaker_boost: bool | None = switch(None)
    speed: float | None = number(None, 0.7, 1.2)

    def wire(self) -> dict[str, float | bool]:
        """What is set, as ElevenLabs takes it."""
        return {name: value for name, value in attrs.asdict(self).items() if value is not None}


SETTING_NAMES = tuple(field.name for field in attrs.fields(VoiceSettings))


def voice_settings(value: Any) -> VoiceSettings:
    """Settings given as such, as a mapping, or as the JSON of one. Raises PatterConfigError."""
    if isinstance(value, VoiceSettings):
        return value
    values = _json("voice_settings", value)
    if not isinstance(values, Mapping) or (unknown := set(values) - set(SETTING_NAMES)):
        what = ", ".join(sorted(map(str, unknown))) if isinstance(values, Mapping) else repr(value)
        raise PatterConfigError(
            f"voice_settings cannot be {what}", fix=f"give some of {', '.join(SETTING_NAMES)}"
        )
    return VoiceSettings(**values)


@attrs.frozen
class PronunciationDictionary:
    """A dictionary of pronunciations at ElevenLabs, and its version."""

    pronunciation_dictionary_id: str
    version_id: str


def dictionaries(value: Any) -> tuple[PronunciationDictionary, ...]:
    """Dictionaries given as such, as mappings or pairs, or as text ``id:version,id:version``."""
    if isinstance(value, str):
        value = [tuple(each.partition(":")[::2]) for each in value.split(",") if each]
    try:
        return tuple(map(_dictionary, value))
    except (TypeError, ValueError) as wrong:
        raise PatterConfigError(
            "pronunciation_dictionary_locators cannot be read",
            fix="give pairs of a dictionary's id and its version's, at most three",
        ) from wrong


def _dictionary(value: Any) -> PronunciationDictionary:
    if isinstance(value, PronunciationDictionary):
        return value
    dictionary = PronunciationDictionary(**value) if isinstance(value, Mapping) else None
    dictionary = dictionary or PronunciationDictionary(*value)
    if not (dictionary.pronunciation_dictionary_id and dictionary.version_id):
        raise ValueError("a part is missing")
    return dictionary


def chunk_lengths(value: Any) -> tuple[int, ...]:
    """Whole numbers given as such or as text ``120,160``. Raises PatterConfigError."""
    parts: Sequence[Any] = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(int(part) for part in parts if str(part).strip())
    except ValueError:
        raise PatterConfigError(
            f"chunk_length_schedule is {value!r}", fix="write 120,160,250,290"
        ) from None


def _json(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as wrong:
        raise PatterConfigError(
            f"{name} is not JSON", fix='write {"stability": 0.5, "speed": 1.1}'
        ) from wrong


@attrs.frozen(kw_only=True)
class SpeechOptions:
    """What both voices can be told.

    *voice_id* is an id or the name of a premade voice. *output_format* None: what the call needs.
    *language_code* (ISO 639-1) makes multilingual models speak it. *apply_text_normalization*:
    auto, on, off. *seed* (0 to 4294967295) repeats a performance. *enable_logging* False is zero
    retention, for enterprise accounts. *base_url* is where the account lives: api.us., or
    api.eu.residency., api.in.residency., api.sg.residency. before elevenlabs.io. *timeout_s* is
    how long audio may be owed.
    """

    voice_id: str = attrs.field(default="EXAVITQu4vr4xnSDxMaL", converter=voice_id)
    model_id: str = "eleven_flash_v2_5"
    output_format: str | None = choice(None, *FORMATS)
    language_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    voice_settings: VoiceSettings | None = attrs.field(
        default=None, converter=attrs.converters.optional(voice_settings)
    )
    apply_text_normalization: str | None = choice(None, "auto", "on", "off")
    seed: int | None = number(None, 0, MOST_SEED, whole=True)
    pronunciation_dictionary_locators: tuple[PronunciationDictionary, ...] = attrs.field(
        default=(), converter=dictionaries
    )
    enable_logging: bool = switch(True)
    base_url: str = address(BASE_URL)
    timeout_s: float = number(10.0, 0.01, 60)

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """What it can deliver: the format that was chosen, else what a call chooses from."""
        return NEGOTIATED if self.output_format is None else (FORMATS[self.output_format],)

    @property
    def model(self) -> str:
        """The model, as records and prices know it."""
        return self.model_id

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)
