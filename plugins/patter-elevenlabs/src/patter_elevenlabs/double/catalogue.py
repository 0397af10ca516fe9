"""What this ElevenLabs has, and how it reads the query of an address: names, ranges, nothing else.

From the API reference and elevenlabs 2.78. The vendor itself may pass over what it does not know;
a double that did would hide the mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from multidict import MultiMapping

from patter.audio.formats import AudioFormat
from patter_elevenlabs._settings import FORMATS, MOST_SEED
from patter_elevenlabs._voices import voices

VOICES: Mapping[str, str] = {identity: name.title() for name, identity in voices().items()}
MODELS = frozenset(
    {
        "eleven_flash_v2",
        "eleven_flash_v2_5",
        "eleven_multilingual_v2",
        "eleven_turbo_v2",
        "eleven_turbo_v2_5",
        "eleven_v3",
    }
)
COMPRESSED = frozenset(
    {
        *(f"mp3_44100_{rate}" for rate in (32, 64, 96, 128, 192)),
        *(f"opus_48000_{rate}" for rate in (32, 64, 96, 128, 192)),
        "mp3_22050_32",
        "mp3_24000_48",
    }
)
DEFAULT_FORMAT = "mp3_44100_128"

Read = Callable[[str], Any]


def flag(text: str) -> bool:
    """true or false."""
    return {"true": True, "false": False}[text]


def number(least: float, most: float) -> Read:
    """A number from *least* to *most*."""

    def read(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise ValueError(f"{value:g} is not between {least:g} and {most:g}")
        return value

    return read


def choice(*choices: str) -> Read:
    """One of *choices*."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(sorted(choices))}")
        return text

    return read


SPEECH: Mapping[str, Read] = {
    "model_id": choice(*MODELS),
    "output_format": choice(*FORMATS, *COMPRESSED),
    "language_code": str,
    "enable_logging": flag,
    "enable_ssml_parsing": flag,
    "inactivity_timeout": number(1, 180),
    "sync_alignment": flag,
    "auto_mode": flag,
    "apply_text_normalization": choice("auto", "on", "off"),
    "seed": number(0, MOST_SEED),
    "single_use_token": str,
}
STREAM: Mapping[str, Read] = {
    "output_format": choice(*FORMATS, *COMPRESSED),
    "enable_logging": flag,
    "optimize_streaming_latency": number(0, 4),
}


class Refused(Exception):
    """A query, or a message, is not as it has to be."""


def read_query(query: MultiMapping[str], readers: Mapping[str, Read]) -> dict[str, Any]:
    """The values in *query*; those given more than once as lists. Raises Refused."""
    values: dict[str, Any] = {}
    for name in dict.fromkeys(query):
        if name not in readers:
            raise Refused(f"unknown parameter {name!r}")
        try:
            read = [readers[name](text) for text in query.getall(name)]
        except (KeyError, ValueError) as wrong:
            raise Refused(f"{name}: {wrong}") from wrong
        values[name] = read if len(read) > 1 else read[0]
    return values


def audio_format(name: str) -> AudioFormat | None:
    """The audio that is called *name*; None for what is compressed."""
    return FORMATS.get(name)
