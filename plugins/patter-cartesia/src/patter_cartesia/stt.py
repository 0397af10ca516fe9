"""Speech to text with Ink, which is told of pauses: ``/stt/websocket``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, number, query, several
from patter_cartesia import _ink, _socket
from patter_cartesia._listening import Line, ListenSession, listening
from patter_cartesia._options import Options, encoding_of, formats
from patter_cartesia._positions import Positions

if TYPE_CHECKING:
    from patter.providers.stt import STT

PATH = "/stt/websocket"
MOST_KEYTERMS, MOST_LETTERS = 100, 1_200


def check_keyterms(terms: tuple[str, ...]) -> None:
    """Raise PatterConfigError for more than Cartesia takes."""
    if (letters := sum(map(len, terms))) > MOST_LETTERS:
        raise PatterConfigError(
            f"keyterms have {letters} letters", fix=f"give at most {MOST_LETTERS} in all"
        )


@attrs.frozen(kw_only=True)
class CartesiaSTT(Options):
    """Where and how Ink listens. Immutable: share one between any number of calls.

    *model*: ``ink-whisper`` in many languages, ``ink-2`` in English. *language* is ISO 639-1; it
    is never detected, and the empty text leaves it to Cartesia. *keyterms* are words to expect, at
    most 100, of 1200 letters in all. Only for Ink Whisper, which also finds pauses by itself:
    *min_volume*, 0 to 1, is what is not silence, and *max_silence_duration_secs*, 0.05 to 60, ends
    an utterance. A pause is answered within *finalize_ms*.

    Raises PatterConfigError for a value that Cartesia would refuse.
    """

    model: str = "ink-whisper"
    language: str = "en"
    keyterms: tuple[str, ...] = several(most=MOST_KEYTERMS)
    min_volume: float | None = number(None, 0, 1)
    max_silence_duration_secs: float | None = number(None, 0.05, 60)
    finalize_ms: float = number(1_000, 1, 10_000)

    def __attrs_post_init__(self) -> None:
        check_keyterms(self.keyterms)
        if self.model.startswith("ink-whisper"):
            return
        if self.min_volume is not None or self.max_silence_duration_secs is not None:
            raise PatterConfigError(
                f"{self.model!r} knows no min_volume and no max_silence_duration_secs",
                fix="leave them out, or use ink-whisper",
            )
        if self.model.startswith("ink-2") and self.language not in ("", "en"):
            raise PatterConfigError(
                f"{self.model!r} does not understand {self.language!r}", fix="use ink-whisper"
            )

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """The formats that a call may send, best first."""
        return formats(self.encoding, self.sample_rate)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, yield a session, and leave no task or socket behind."""
        positions = Positions(audio)
        line = Line(account=self.account, path=PATH, query=self._query(audio), goodbye=_ink.CLOSE)
        hearing = _ink.InkHearing(positions, self.finalize_ms, self.api_key)
        async with listening(line, hearing, positions, call) as session:
            yield session

    async def check(self) -> HealthReport:
        """Does Cartesia know the key? Costs nothing."""
        return await _socket.check(self.account)

    async def warm(self) -> None:
        """Leave a connection to Cartesia open, on which the next call listens."""
        await self.check()

    def _query(self, audio: AudioFormat) -> Query:
        return query(
            {
                "model": self.model,
                "encoding": encoding_of(audio),
                "sample_rate": audio.rate_hz,
                "language": self.language or None,
                "keyterm": self.keyterms,
                "min_volume": self.min_volume,
                "max_silence_duration_secs": self.max_silence_duration_secs,
            }
        )


if TYPE_CHECKING:
    _: type[STT] = CartesiaSTT
