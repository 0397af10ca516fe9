"""Text to speech with Aura (``/v1/speak``) and Flux (``/v2/speak``)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, address, key, number, query, texts
from patter_deepgram import _socket, _speak
from patter_deepgram._options import API, VARIABLE, encoded, switch
from patter_deepgram._speaking import SpeakSession, Voice

if TYPE_CHECKING:
    from patter.providers.tts import TTS

FORMATS = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)
TIMEOUT_MS = 4_000


@attrs.frozen(kw_only=True)
class DeepgramTTS:
    """How Aura speaks. Immutable: share one between any number of calls.

    *model* is the voice. *speed* 1.0 is its own, for English and Spanish voices; None leaves it
    to Deepgram. Audio that is owed and does not come for *timeout_ms* is a failure.

    Raises PatterConfigError for a value that Deepgram would refuse.
    """

    produces: ClassVar[tuple[AudioFormat, ...]] = FORMATS

    model: str = "aura-2-thalia-en"
    speed: float | None = number(None, 0.7, 1.5)
    mip_opt_out: bool | None = switch(None)
    timeout_ms: float = number(TIMEOUT_MS, 1, 60_000)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if not self.model.startswith("aura"):
            raise PatterConfigError(
                f"{self.model!r} is not a voice of Aura",
                fix="choose one of developers.deepgram.com/docs/tts-models, or DeepgramFluxTTS",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[SpeakSession]:
        """Connect, and yield a voice that keeps its connection between replies."""
        voice = Voice(
            dialect=_speak.AURA,
            base_url=self.base_url,
            query=self._query(audio),
            key=self.api_key,
            timeout_ms=self.timeout_ms,
        )
        async with SpeakSession(call.clock, voice, audio).open() as session:
            yield session

    async def check(self) -> HealthReport:
        """Does Deepgram know the key?"""
        return await _socket.check(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to Deepgram open, on which the next call is spoken."""
        await self.check()

    def _query(self, audio: AudioFormat) -> Query:
        return query(
            {
                "model": self.model,
                **encoded(audio),
                "speed": self.speed,
                "mip_opt_out": self.mip_opt_out,
            }
        )


@attrs.frozen(kw_only=True)
class DeepgramFluxTTS:
    """How Flux speaks. Immutable: share one between any number of calls.

    *model* is the voice. *speed* is from 0.5 to 1.5 in steps of 0.05; *expressivity* from -2,
    calm, to 2, animated. None leaves them to Deepgram. Audio that is owed and does not come for
    *timeout_ms* is a failure.

    Raises PatterConfigError for a value that Deepgram would refuse.
    """

    produces: ClassVar[tuple[AudioFormat, ...]] = FORMATS

    model: str = "flux-haley-en"
    speed: float | None = number(None, 0.5, 1.5, step=0.05)
    expressivity: int | None = number(None, -2, 2, whole=True)
    tags: tuple[str, ...] = attrs.field(default=(), converter=texts)
    mip_opt_out: bool | None = switch(None)
    timeout_ms: float = number(TIMEOUT_MS, 1, 60_000)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if not self.model.startswith("flux-"):
            raise PatterConfigError(
                f"{self.model!r} is not a voice of Flux",
                fix="choose one of developers.deepgram.com/docs/flux-tts/voices, or DeepgramTTS",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[SpeakSession]:
        """Connect, and yield a voice that keeps its connection between replies."""
        voice = Voice(
            dialect=_speak.FLUX,
            base_url=self.base_url,
            query=self._query(audio),
            key=self.api_key,
            timeout_ms=self.timeout_ms,
        )
        async with SpeakSession(call.clock, voice, audio).open() as session:
            yield session

    async def check(self) -> HealthReport:
        """Does Deepgram know the key?"""
        return await _socket.check(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to Deepgram open, on which the next call is spoken."""
        await self.check()

    def _query(self, audio: AudioFormat) -> Query:
        return query(
            {
                "model": self.model,
                **encoded(audio),
                "speed": self.speed,
                "expressivity": self.expressivity,
                "tag": self.tags,
                "mip_opt_out": self.mip_opt_out,
            }
        )


if TYPE_CHECKING:
    _: tuple[type[TTS], type[TTS]] = (DeepgramTTS, DeepgramFluxTTS)
