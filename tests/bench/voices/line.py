"""The caller's end of the line: what is put on it at which time, and the echo of the agent."""

from __future__ import annotations

import asyncio

import attrs
import numpy as np

from patter_testing.fakes.carrier import FakeLeg
from voices import noises
from voices.clip import Clip, Word
from voices.sound import Samples, count, from_mulaw, to_mulaw

FRAME_MS, ECHO_MS = 20, 200
_SIZE = count(FRAME_MS)
_LONGEST_MS = 120_000


@attrs.define(eq=False)
class Line:
    """Sends *leg* the sum of what was put on it, a frame every 20 ms, each when it is over.

    With *echo_db* the agent comes back 200 ms late and so many dB weaker. *words* are those of
    the recogniser: what is put on the line with words becomes known to it.
    """

    leg: FakeLeg
    words: list[Word]
    echo_db: float | None = None
    seed: int = 1
    _track: Samples = attrs.field(init=False, repr=False)
    _now: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._track = noises.line_noise(_LONGEST_MS, np.random.default_rng(self.seed))

    @property
    def now_ms(self) -> float:
        """How much has been sent."""
        return self._now * 1_000 / 8_000

    def put(self, clip: Clip, at_ms: float) -> None:
        """Let *clip* sound from *at_ms* on, which is not over yet."""
        begin = count(at_ms)
        part = clip.samples[: len(self._track) - begin]
        self._track[begin : begin + len(part)] += part
        self.words += [word.later(at_ms) for word in clip.words]
        self.words.sort(key=lambda word: word.end_ms)

    async def until(self, ms: float) -> None:
        """Send what lies before *ms*, or until the agent hangs up."""
        while self.now_ms < ms and not self.leg.closed:
            await self._frame()

    async def until_agent(self, *, limit_ms: float) -> float | None:
        """Send until the agent is heard, and say since when; None if it is not by *limit_ms*."""
        while self.now_ms < limit_ms and not self.leg.closed:
            if played := self.leg.played:
                return played[0].at_ms
            await self._frame()
        return None

    async def _frame(self) -> None:
        await self.leg.clock.sleep(FRAME_MS)
        if self.leg.closed:
            return
        frame = self._track[self._now : self._now + _SIZE]
        if self.echo_db is not None:
            frame = frame + self._echo() * 10 ** (self.echo_db / 20)
        self._now += _SIZE
        self.leg.speak(to_mulaw(frame))
        await asyncio.sleep(0)

    def _echo(self) -> Samples:
        """What the caller's ear was played 200 ms before the frame that is over now."""
        begin = self._now - count(ECHO_MS)
        echo = np.zeros(_SIZE)
        for piece in reversed(self.leg.played):
            first = count(piece.at_ms) - begin
            if first + len(piece.audio) <= 0:
                break
            low, high = max(0, first), min(_SIZE, first + len(piece.audio))
            if low < high:
                echo[low:high] = from_mulaw(piece.audio[low - first : high - first])
        return echo
