"""What options of Soniox need beyond the kit's fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.carriers.endpoint import endpoint
from patter.errors import PatterConfigError
from patter.vendors.options import texts

SOCKETS = "https://stt-rt.soniox.com"
PATH = "/transcribe-websocket"
VARIABLE = "SONIOX_API_KEY"
Pairs: TypeAlias = tuple[tuple[str, str], ...]

_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "pcm_s16le"}


def encoded(audio: AudioFormat) -> dict[str, object]:
    """How Soniox calls the format *audio*; a raw format has to be told whole."""
    return {
        "audio_format": _ENCODINGS[audio.encoding],
        "sample_rate": audio.rate_hz,
        "num_channels": 1,
    }


def address() -> Any:
    """The field that says where the sockets are; Soniox's own ``wss://`` address is read, too."""

    def read(value: str | None, owner: object) -> str:
        return endpoint(type(owner).__name__, plain(value or SOCKETS), "base_url")

    return attrs.field(default=SOCKETS, converter=attrs.Converter(read, takes_self=True))


def plain(url: str) -> str:
    """*url* as other addresses of settings are.

    >>> plain("wss://stt-rt.eu.soniox.com/transcribe-websocket")
    'https://stt-rt.eu.soniox.com'
    """
    for ours, theirs in (("https", "wss"), ("http", "ws")):
        if url.startswith(f"{theirs}://"):
            url = f"{ours}{url.removeprefix(theirs)}"
    return url.rstrip("/").removesuffix(PATH)


def api_of(base_url: str) -> str:
    """Where the API is that belongs to the sockets at *base_url*, by region.

    >>> api_of("https://stt-rt.jp.soniox.com"), api_of("http://127.0.0.1:4711")
    ('https://api.jp.soniox.com', 'http://127.0.0.1:4711')
    """
    parts = urlsplit(base_url)
    if not parts.netloc.startswith("stt-rt."):
        return base_url
    return urlunsplit(parts._replace(netloc=f"api.{parts.netloc.removeprefix('stt-rt.')}"))


# These are converters as they are, not fields, so that a list or a mapping is well typed.


def terms(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Words to expect; in one text they have commas between them."""
    return texts(value or ())


def languages(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Languages, each once, as two letters; in one text they have commas between them.

    >>> languages("en, de, en")
    ('en', 'de')
    """
    items = texts(value or ())
    for code in items:
        if not (len(code) == 2 and code.isascii() and code.isalpha() and code.islower()):
            raise PatterConfigError(
                f"language_hints of SonioxSTT have {code[:20]!r}",
                fix="give languages as two letters, such as en",
            )
    return tuple(dict.fromkeys(items))


def pairs(value: str | Mapping[str, str] | Iterable[tuple[str, str]] | None) -> Pairs:
    """Names and values; in one text as here.

    >>> pairs("domain: food, topic: a table")
    (('domain', 'food'), ('topic', 'a table'))
    """
    try:
        return tuple(_pairs(value or ()))
    except (TypeError, ValueError):
        raise PatterConfigError(
            f"context_general of SonioxSTT is {str(value)[:60]!r}",
            fix="give names and values, such as {'domain': 'restaurant'}",
        ) from None


def _pairs(value: Any) -> Iterable[tuple[str, str]]:
    """Raises TypeError or ValueError for what are no pairs."""
    if isinstance(value, str):
        value = [each.split(":", 1) for each in texts(value)]
    for name, text in value.items() if isinstance(value, Mapping) else value:
        if not (str(name).strip() and str(text).strip()):
            raise ValueError("half a pair")
        yield str(name).strip(), str(text).strip()
