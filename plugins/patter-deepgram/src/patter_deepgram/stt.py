"""Speech to text with Nova and the models before it, over ``/v1/listen``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, address, key, number, query, texts
from patter_deepgram import _nova, _socket
from patter_deepgram._listening import SESSIONS, Line, ListenSession, listening
from patter_deepgram._options import API, VARIABLE, encoded, switch

if TYPE_CHECKING:
    from patter.providers.stt import STT

FORMATS = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)


@attrs.frozen(kw_only=True)
class DeepgramSTT:
    """Where and how Nova listens. Immutable: share one between any number of calls.

    *endpointing_ms* of silence end an utterance (None: no endpointing); an *utterance_end_ms*
    without a word does, too, where noise hides the silence (None: it does not). A pause is
    answered within *finalize_ms*. *keyterms* are words to expect, for Nova 3; *keywords*, as
    ``word:2``, for older models. *diarize_model* tells speakers apart, and costs extra. What is
    None or empty is left to Deepgram. In a spec string several values have commas between them.

    Raises PatterConfigError for a value that Deepgram would refuse.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = FORMATS

    model: str = "nova-3"
    language: str = "en"
    endpointing_ms: int | None = number(150, 1, 60_000, whole=True, off=True)
    utterance_end_ms: int | None = number(1_000, 1_000, 60_000, whole=True, off=True)
    interim_results: bool = switch(True)
    vad_events: bool = switch(True)
    smart_format: bool = switch(False)
    no_delay: bool = switch(True)
    punctuate: bool | None = switch(None)
    numerals: bool | None = switch(None)
    profanity_filter: bool | None = switch(None)
    filler_words: bool | None = switch(None)
    dictation: bool | None = switch(None)
    detect_entities: bool | None = switch(None)
    diarize_model: str = ""
    keyterms: tuple[str, ...] = attrs.field(default=(), converter=texts)
    keywords: tuple[str, ...] = attrs.field(default=(), converter=texts)
    language_hints: tuple[str, ...] = attrs.field(default=(), converter=texts)
    search: tuple[str, ...] = attrs.field(default=(), converter=texts)
    replace: tuple[str, ...] = attrs.field(default=(), converter=texts)
    redact: tuple[str, ...] = attrs.field(default=(), converter=texts)
    tags: tuple[str, ...] = attrs.field(default=(), converter=texts)
    extra: tuple[str, ...] = attrs.field(default=(), converter=texts)
    version: str = ""
    mip_opt_out: bool | None = switch(None)
    finalize_ms: float = number(1_000, 1, 10_000)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        _refuse_flux(self.model)
        if self.utterance_end_ms is not None and not self.interim_results:
            raise PatterConfigError(
                "Deepgram finds the end of an utterance in interim results, and they are off",
                fix="set utterance_end_ms to None, or interim_results to True",
            )
        if self.keyterms and not self.model.startswith("nova-3"):
            raise PatterConfigError(
                f"{self.model!r} knows no keyterms", fix="use nova-3, or keywords='word:2'"
            )

    @property
    def hears_voice(self) -> bool:
        """Does it tell when voices begin and end?"""
        return self.vad_events

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, yield a session, and leave no task or socket behind."""
        line = Line(
            url=self._url,
            query=self._query(audio),
            key=self.api_key,
            finalize_ms=self.finalize_ms,
            keep_alive=_nova.KEEP_ALIVE,
            goodbye=_nova.CLOSE,
        )
        async with listening(line, _nova.NovaHearing(), audio, call) as session:
            yield session

    async def configure(
        self,
        call_id: str,
        *,
        keyterms: Iterable[str] | None = None,
        features: Mapping[str, bool] | None = None,
    ) -> None:
        """Change what is listened for on a call that is up, with nova-3.

        *keyterms* replace all there are; *features*, such as ``numerals``, go on or off. It lasts
        until the call loses its connection. Raises CallStateError for a call that is not up,
        PatterConfigError for what Deepgram refuses.
        """
        await SESSIONS.of(self._url, call_id).configure(_nova.configure(keyterms, features))

    async def check(self) -> HealthReport:
        """Does Deepgram know the key?"""
        return await _socket.check(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to Deepgram open, on which the next call listens."""
        await self.check()

    @property
    def _url(self) -> str:
        return f"{self.base_url}/v1/listen"

    def _query(self, audio: AudioFormat) -> Query:
        off = self.endpointing_ms is None
        return query(
            {
                "model": self.model,
                "language": self.language or None,
                **encoded(audio),
                "channels": 1,
                "endpointing": False if off else self.endpointing_ms,
                "utterance_end_ms": self.utterance_end_ms,
                "interim_results": self.interim_results,
                "vad_events": self.vad_events,
                "smart_format": self.smart_format,
                "no_delay": self.no_delay if self.smart_format else None,
                "punctuate": self.punctuate,
                "numerals": self.numerals,
                "profanity_filter": self.profanity_filter,
                "filler_words": self.filler_words,
                "dictation": self.dictation,
                "detect_entities": self.detect_entities,
                "diarize_model": self.diarize_model or None,
                "keyterm": self.keyterms,
                "keywords": self.keywords,
                "language_hint": self.language_hints,
                "search": self.search,
                "replace": self.replace,
                "redact": self.redact,
                "tag": self.tags,
                "extra": self.extra,
                "version": self.version or None,
                "mip_opt_out": self.mip_opt_out,
            }
        )


def _refuse_flux(model: str) -> None:
    if model.startswith("flux"):
        raise PatterConfigError(
            f"{model!r} is a model of another kind", fix=f"use DeepgramFluxSTT(model={model!r})"
        )


if TYPE_CHECKING:
    _: type[STT] = DeepgramSTT
