"""Options of a voice, the same over a speech session and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlsplit

import attrs

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding
from patter.errors import PatterConfigError, PatterError
from patter.providers.health import HealthReport
from patter.vendors.options import address, choice, key, number
from patter.vendors.requests import checked, warmed_connection
from patter_lmnt._errors import ERRORS, of_answer

API = "https://api.lmnt.com"
VARIABLE = "LMNT_API_KEY"
VERSION = "1.2"
"""Of LMNT's API: what lmnt 2.13 names. Without it LMNT speaks an older protocol."""

TIMEOUT_MS = 4_000
MOST_LETTERS = 5_000
"""Of one request, spaces included; of a sentence in a session, where LMNT names no limit."""

LANGUAGES = (
    *("auto", "ar", "as", "bn", "cs", "da", "de", "en", "es", "fi", "fr", "hi", "id", "it", "ja"),
    *("ko", "ml", "mr", "nl", "pl", "pt", "ru", "sk", "sv", "ta", "te", "th", "tr", "uk", "ur"),
    *("vi", "zh"),
)
FORMATS = (MULAW_8K, PCM16_16K, PCM16_24K, PCM16_8K)
"""What a carrier may choose from, best first: telephones need no conversion."""

_NAMES = {Encoding.MULAW: "ulaw", Encoding.PCM16: "pcm_s16le"}


def encoded(audio: AudioFormat) -> dict[str, object]:
    """How LMNT calls the format *audio*.

    >>> encoded(MULAW_8K)
    {'format': 'ulaw', 'sample_rate': 8000}
    """
    return {"format": _NAMES[audio.encoding], "sample_rate": audio.rate_hz}


def headers(api_key: str) -> dict[str, str]:
    """What shows *api_key* over HTTP, and which protocol is spoken."""
    return {"X-API-Key": api_key, "lmnt-version": VERSION}


def _voice(owner: object, _: object, voice: str) -> None:
    if not voice.strip():
        raise PatterConfigError(
            f"{type(owner).__name__} has no voice", fix="give the id of a voice, such as 'leah'"
        )


@attrs.frozen(kw_only=True)
class VoiceOptions:
    """What both classes take.

    *voice* is the id of a voice, of LMNT's or of the account's own. *language* is one of
    `LANGUAGES`; to name it is faster than ``auto``. *format* is ``ulaw``, or ``pcm_s16le``, for
    which ``raw`` is another name here; None takes what the call needs. *sample_rate* is 8000,
    16000 or 24000 Hz, or None. Audio that is owed and does not come for *timeout_ms* (1 to 60000)
    is a failure.
    """

    voice: str = attrs.field(default="leah", validator=_voice)
    model: str = "blizzard"
    language: str = choice("auto", *LANGUAGES)
    format: str | None = choice(None, "ulaw", "pcm_s16le", "raw")
    sample_rate: int | None = number(None, 8_000, 24_000, step=8_000, whole=True)
    temperature: float = number(1.0, 0.0001, 5)
    top_p: float = number(0.8, 0, 1)
    timeout_ms: float = number(TIMEOUT_MS, 1, 60_000)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if not self.produces:
            raise PatterConfigError(
                f"LMNT has no {self.format} at {self.sample_rate} Hz",
                fix="mu-law has 8000 Hz; leave sample_rate or format out",
            )

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """What it can deliver of `FORMATS`, as *format* and *sample_rate* leave it."""
        name = "pcm_s16le" if self.format == "raw" else self.format
        return tuple(
            audio
            for audio in FORMATS
            if name in (None, _NAMES[audio.encoding]) and self.sample_rate in (None, audio.rate_hz)
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    async def check(self) -> HealthReport:
        """Are the key and the voice known? Costs nothing.

        Raises PatterError for a refusal, for a voice that cannot speak yet, and for silence.
        """

        def refused(status: int, body: object, answered: Mapping[str, str]) -> PatterError:
            return of_answer(status, body, answered, self.api_key)

        return await checked(
            f"{self.base_url}/v1/ai/voice/{quote(self.voice, safe='')}",
            errors=ERRORS,
            headers=headers(self.api_key),
            refused=refused,
            text=_report,
        )

    async def warm(self) -> None:
        """Import the client and open a connection that the next call takes over."""
        await asyncio.to_thread(import_module, "aiohttp")
        await warmed_connection(self.base_url, ERRORS)


def _report(body: Any) -> str:
    """What LMNT calls the voice. Raises PatterConfigError for one that is not ready."""
    voice = body if isinstance(body, dict) else {}
    name, state = str(voice.get("name") or "")[:60], str(voice.get("state") or "ready")[:20]
    if state != "ready":
        raise PatterConfigError(
            f"LMNT's voice {name!r} is {state}", fix="wait until it is ready, or use another voice"
        )
    return name


def pieces(text: str, longest: int = MOST_LETTERS) -> list[str]:
    """*text* in parts of at most *longest* characters, cut between words where that is possible.

    >>> pieces("one two three", 8), pieces("a" * 5, 2), pieces("  ", 8)
    (['one two', 'three'], ['aa', 'aa', 'a'], [])
    """
    rest, parts = text.strip(), list[str]()
    while len(rest) > longest:
        cut = rest.rfind(" ", 1, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def letters(text: str) -> str:
    """What of *text* is spoken: letters and digits, whatever their case.

    >>> letters("Don't!")
    'dont'
    """
    return "".join(filter(str.isalnum, text)).casefold()
