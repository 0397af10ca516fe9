"""Speech to text with Flux, which judges by itself when the caller has finished: ``/v2/listen``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, address, key, number, query, texts
from patter_deepgram import _flux, _socket
from patter_deepgram._listening import SESSIONS, Line, ListenSession, listening
from patter_deepgram._options import API, VARIABLE, encoded, switch
from patter_deepgram.stt import FORMATS

if TYPE_CHECKING:
    from patter.providers.stt import STT


@attrs.frozen(kw_only=True)
class DeepgramFluxSTT:
    """Where and how Flux listens. Immutable: share one between any number of calls.

    A turn ends when Flux is surer than *eot_threshold* that it does (1.0: never by itself), or
    after *eot_timeout_ms* of silence. Surer than *eager_eot_threshold*, it says so early, and may
    take it back; None turns that off. A pause that Flux has not judged within *finalize_ms* gets
    its words without a judgement. *language_hints* are for ``flux-general-multi``. What is None
    or empty is left to Deepgram. In a spec string several values have commas between them.

    Raises PatterConfigError for a value that Deepgram would refuse.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = FORMATS
    endpoints: ClassVar[bool] = True
    hears_voice: ClassVar[bool] = True
    chunk_ms: ClassVar[int] = 80

    model: str = "flux-general-en"
    eot_threshold: float | None = number(None, 0.5, 1.0)
    eager_eot_threshold: float | None = number(None, 0.3, 0.9)
    eot_timeout_ms: int | None = number(None, 500, 60_000, whole=True)
    keyterms: tuple[str, ...] = attrs.field(default=(), converter=texts)
    language_hints: tuple[str, ...] = attrs.field(default=(), converter=texts)
    numerals: bool | None = switch(None)
    profanity_filter: bool | None = switch(None)
    redact: tuple[str, ...] = attrs.field(default=(), converter=texts)
    tags: tuple[str, ...] = attrs.field(default=(), converter=texts)
    mip_opt_out: bool | None = switch(None)
    finalize_ms: float = number(700, 1, 10_000)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if not self.model.startswith("flux"):
            raise PatterConfigError(
                f"{self.model!r} is not a Flux model", fix=f"use DeepgramSTT(model={self.model!r})"
            )
        if self.eager_eot_threshold is not None:
            sure = 0.7 if self.eot_threshold is None else self.eot_threshold
            if self.eager_eot_threshold > sure:
                raise PatterConfigError(
                    f"eager_eot_threshold {self.eager_eot_threshold:g} is above {sure:g}",
                    fix="make it at most eot_threshold",
                )

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
            keep_alive="",
            goodbye=_flux.CLOSE,
        )
        async with listening(line, _flux.FluxHearing(), audio, call) as session:
            yield session

    async def configure(
        self,
        call_id: str,
        *,
        keyterms: Iterable[str] | None = None,
        language_hints: Iterable[str] | None = None,
        numerals: bool | None = None,
        eot_threshold: float | None = None,
        eager_eot_threshold: float | None = None,
        eot_timeout_ms: int | None = None,
    ) -> None:
        """Change, on a call that is up, what is given; it lasts until the connection is lost.

        Raises CallStateError for a call that is not up, PatterError for what Deepgram refuses.
        """
        message = _flux.configure(
            keyterms=keyterms,
            language_hints=language_hints,
            numerals=numerals,
            thresholds={
                "eot_threshold": eot_threshold,
                "eager_eot_threshold": eager_eot_threshold,
                "eot_timeout_ms": eot_timeout_ms,
            },
        )
        await SESSIONS.of(self._url, call_id).configure(message)

    async def check(self) -> HealthReport:
        """Does Deepgram know the key?"""
        return await _socket.check(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to Deepgram open, on which the next call listens."""
        await self.check()

    @property
    def _url(self) -> str:
        return f"{self.base_url}/v2/listen"

    def _query(self, audio: AudioFormat) -> Query:
        return query(
            {
                "model": self.model,
                **encoded(audio),
                "eot_threshold": self.eot_threshold,
                "eager_eot_threshold": self.eager_eot_threshold,
                "eot_timeout_ms": self.eot_timeout_ms,
                "keyterm": self.keyterms,
                "language_hint": self.language_hints,
                "numerals": self.numerals,
                "profanity_filter": self.profanity_filter,
                "redact": self.redact,
                "tag": self.tags,
                "mip_opt_out": self.mip_opt_out,
            }
        )


if TYPE_CHECKING:
    _: type[STT] = DeepgramFluxSTT
