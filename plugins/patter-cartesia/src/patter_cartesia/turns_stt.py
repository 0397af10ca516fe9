"""Speech to text with Ink, which finds by itself when the caller has finished.

The path is ``/stt/turns/websocket``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import Query, number, query, several
from patter_cartesia import _socket, _turns
from patter_cartesia._listening import SESSIONS, Line, ListenSession, listening
from patter_cartesia._options import Options, encoding_of, formats
from patter_cartesia._positions import Positions
from patter_cartesia.stt import MOST_KEYTERMS, check_keyterms

if TYPE_CHECKING:
    from patter.providers.stt import STT

PATH = "/stt/turns/websocket"
START, EAGER_END, END = 0.8, 0.4, 0.2
"""Cartesia's own thresholds (cartesia 4.2)."""


@attrs.frozen(kw_only=True)
class CartesiaTurnsSTT(Options):
    """Where and how Ink finds turns, in English. Immutable: share one between calls.

    Ink estimates from 0 to 1 how likely the caller is in a turn. Above *turn_start_threshold* (0.5
    to 0.9; Cartesia's 0.8) one begins, below *turn_end_threshold* (0.05 to 0.5; 0.2) it ends, or
    after *turn_end_timeout_ms* of silence (640 to 11200; 5600). Below *turn_eager_end_threshold*
    (0.3 to 0.6; 0.4) Ink says early that it may have ended, and may take that back. Each is between
    its neighbours. The lower, the surer; what is None is left to Cartesia. *keyterms* are words to
    expect, at most 100, of 1200 letters in all. A pause that Ink has not judged within
    *finalize_ms* gets its words without a judgement.

    Raises PatterConfigError for a value that Cartesia would refuse.
    """

    endpoints: ClassVar[bool] = True
    hears_voice: ClassVar[bool] = True
    chunk_ms: ClassVar[int] = 80

    model: str = "ink-2"
    turn_start_threshold: float | None = number(None, 0.5, 0.9)
    turn_eager_end_threshold: float | None = number(None, 0.3, 0.6)
    turn_end_threshold: float | None = number(None, 0.05, 0.5)
    turn_end_timeout_ms: float | None = number(None, 640, 11_200)
    keyterms: tuple[str, ...] = several(most=MOST_KEYTERMS)
    finalize_ms: float = number(700, 1, 10_000)
    name: ClassVar[str] = "cartesia-turns"

    def __attrs_post_init__(self) -> None:
        check_keyterms(self.keyterms)
        start = START if self.turn_start_threshold is None else self.turn_start_threshold
        eager = (
            EAGER_END if self.turn_eager_end_threshold is None else self.turn_eager_end_threshold
        )
        end = END if self.turn_end_threshold is None else self.turn_end_threshold
        if not end < eager < start:
            raise PatterConfigError(
                f"thresholds {end:g} (end), {eager:g} (eager end), {start:g} (start) do not rise",
                fix="make turn_end_threshold the smallest and turn_start_threshold the largest",
            )

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """The formats that a call may send, best first."""
        return formats(self.encoding, self.sample_rate)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, yield a session, and leave no task or socket behind."""
        line = Line(account=self.account, path=PATH, query=self._query(audio), goodbye=_turns.CLOSE)
        hearing = _turns.TurnsHearing(self.finalize_ms, self.api_key)
        async with listening(line, hearing, Positions(audio), call) as session:
            yield session

    async def configure(
        self,
        call_id: str,
        *,
        turn_start_threshold: float | None = None,
        turn_eager_end_threshold: float | None = None,
        turn_end_threshold: float | None = None,
        turn_end_timeout_ms: float | None = None,
    ) -> None:
        """Change, on a call that is up, what is given; it lasts until the connection is lost.

        Cartesia does not confirm it. Raises PatterConfigError for what it would refuse beside
        these settings, CallStateError for a call that is not up.
        """
        changed: dict[str, Any] = {
            "turn_start_threshold": turn_start_threshold,
            "turn_eager_end_threshold": turn_eager_end_threshold,
            "turn_end_threshold": turn_end_threshold,
            "turn_end_timeout_ms": turn_end_timeout_ms,
        }
        changed = {name: value for name, value in changed.items() if value is not None}
        attrs.evolve(self, **changed)
        message = _turns.configure(
            {name.removeprefix("turn_"): value for name, value in changed.items()}
        )
        await SESSIONS.of(self.base_url, call_id).configure(message)

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
                "keyterm": self.keyterms,
                "turn_start_threshold": self.turn_start_threshold,
                "turn_eager_end_threshold": self.turn_eager_end_threshold,
                "turn_end_threshold": self.turn_end_threshold,
                "turn_end_timeout_ms": self.turn_end_timeout_ms,
            }
        )


if TYPE_CHECKING:
    _: type[STT] = CartesiaTurnsSTT
