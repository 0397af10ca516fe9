"""What all of Cartesia's settings share: the account, and the formats of audio."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
from patter.vendors.options import address, choice, key, number
from patter_cartesia._socket import Account

API = "https://api.cartesia.ai"
VARIABLE = "CARTESIA_API_KEY"
VERSION = "2026-08-14"
"""The version of the API that cartesia 4.2 speaks, whose types this package is held against."""

FORMATS = (MULAW_8K, ALAW_8K, PCM16_16K, PCM16_24K, PCM16_8K)
"""What a call chooses from, best first: telephones need no conversion."""

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
_ENCODINGS = {
    Encoding.MULAW: "pcm_mulaw",
    Encoding.ALAW: "pcm_alaw",
    Encoding.PCM16: "pcm_s16le",
}


def encoding_of(audio: AudioFormat) -> str:
    """Cartesia's name of the encoding of *audio*.

    >>> encoding_of(MULAW_8K)
    'pcm_mulaw'
    """
    return _ENCODINGS[audio.encoding]


def formats(encoding: str | None, sample_rate: int | None) -> tuple[AudioFormat, ...]:
    """The formats that fit; None fits all. One that is asked for is there, whatever its rate.

    >>> list(map(str, formats("pcm_s16le", None))), list(map(str, formats(None, 44_100)))
    (['pcm16/16k', 'pcm16/24k', 'pcm16/8k'], ['pcm16/44.1k'])
    """
    if encoding is not None and sample_rate is not None:
        kind = next(kind for kind, name in _ENCODINGS.items() if name == encoding)
        return (AudioFormat(kind, sample_rate),)
    fitting = tuple(_fitting(encoding, sample_rate))
    return fitting or (AudioFormat(Encoding.PCM16, sample_rate or 16_000),)


def _fitting(encoding: str | None, sample_rate: int | None) -> Iterable[AudioFormat]:
    for audio in FORMATS:
        if encoding in (None, encoding_of(audio)) and sample_rate in (None, audio.rate_hz):
            yield audio


def _version(owner: Any, field: attrs.Attribute[str], value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise PatterConfigError(
            f"{field.name} of {type(owner).__name__} is {value!r}", fix=f"give a date, as {VERSION}"
        )


def _rate(owner: Any, field: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and value not in RATES:
        raise PatterConfigError(
            f"{field.name} of {type(owner).__name__} is {value}",
            fix=f"give one of {', '.join(map(str, RATES))}",
        )


def sample_rate() -> Any:
    """The field for a rate in hertz, or None."""
    made = number(None, RATES[0], RATES[-1], whole=True)
    made.validator(_rate)
    return made


@attrs.frozen(kw_only=True)
class Options:
    """What recognisers and voice have in common.

    *encoding* (pcm_mulaw, pcm_alaw, pcm_s16le) and *sample_rate* (hertz) narrow the formats that
    a call may choose from; None: what the call needs. *api_version* is a date.
    """

    encoding: str | None = choice(None, *_ENCODINGS.values())
    sample_rate: int | None = sample_rate()
    api_version: str = attrs.field(default=VERSION, validator=_version)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @property
    def account(self) -> Account:
        """Who asks, and where."""
        return Account(base_url=self.base_url, version=self.api_version, key=self.api_key)
