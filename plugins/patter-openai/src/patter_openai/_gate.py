"""Which of a caller's audio is worth sending to a recogniser that charges for silence (pure).

Audio is let through from a moment before a voice begins until a moment after it has ended. What
was let through lies closer together than it was said, and `Gate` knows where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from importlib import import_module

import attrs

from patter.audio.formats import AudioFormat
from patter.audio.level import powers

BLOCK_MS = 10
PREROLL_MS = 300
"""So much before a voice is let through with it: words begin softly."""

TAIL_MS = 600
"""So much after a voice is let through: a pause within a sentence, mostly."""


@attrs.frozen
class Stretch:
    """What was let through between two cuts, and where in all audio it lies, in milliseconds.

    *voiced* is false when nobody spoke. *anchors* are (in what was let through, in all audio).
    """

    start_ms: int
    end_ms: int
    voiced: bool
    anchors: tuple[tuple[float, float], ...] = ()

    def position_ms(self, passed_ms: float) -> int:
        """Where in all audio *passed_ms* of what was let through lies; not beyond its end.

        >>> Stretch(0, 900, True, ((0, 100), (200, 700))).position_ms(250)
        750
        """
        here, there = next(
            (each for each in reversed(self.anchors) if each[0] <= passed_ms), (0.0, self.start_ms)
        )
        return min(int(there + passed_ms - here), self.end_ms)


@attrs.define(eq=False)
class Gate:
    """Lets voices louder than *floor_db* (dB of full scale) through, in the format *audio*."""

    audio: AudioFormat
    floor_db: float = -50.0
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _before: deque[bytes] = attrs.field(
        factory=lambda: deque(maxlen=PREROLL_MS // BLOCK_MS), init=False, repr=False
    )
    _fed_ms: float = attrs.field(default=0.0, init=False)
    _passed_ms: float = attrs.field(default=0.0, init=False)
    _voice_ms: float | None = attrs.field(default=None, init=False)
    _anchors: list[tuple[float, float]] = attrs.field(factory=list, init=False, repr=False)
    _cut_ms: float = attrs.field(default=0.0, init=False)

    @property
    def position_ms(self) -> int:
        """How much audio it was fed."""
        return int(self._fed_ms + self.audio.ms_in(len(self._rest)))

    @property
    def passed_ms(self) -> float:
        """How much it let through since the last cut."""
        return self._passed_ms

    @property
    def voiced(self) -> bool:
        """Did anybody speak since the last cut?"""
        return self._voice_ms is not None

    def feed(self, audio: bytes) -> bytes:
        """What is to be sent now that *audio*, cut anywhere, was heard."""
        self._rest += audio
        size = self.audio.bytes_in(BLOCK_MS)
        whole = len(self._rest) // size * size
        if not whole:
            return b""
        blocks, self._rest = self._rest[:whole], self._rest[whole:]
        least = 10 ** (self.floor_db / 10)
        starts = range(0, whole, size)
        return b"".join(
            self._block(blocks[at : at + size], power > least)
            for at, power in zip(starts, powers(blocks, self.audio, BLOCK_MS), strict=True)
        )

    def cut(self) -> Stretch:
        """What was let through since the last time. Begins anew."""
        voice_ms, passed_ms = self._voice_ms, self._passed_ms
        start_ms = self._anchors[0][1] if self._anchors else self._cut_ms
        end_ms = self._fed_ms if voice_ms is None else voice_ms
        stretch = Stretch(
            int(start_ms),
            int(end_ms),
            voice_ms is not None,
            tuple(self._anchors) if passed_ms else (),
        )
        self._voice_ms, self._passed_ms, self._cut_ms = None, 0.0, self._fed_ms
        self._anchors = []
        self._before.clear()
        return stretch

    def _block(self, block: bytes, voiced: bool) -> bytes:
        begin_ms = self._fed_ms
        self._fed_ms += BLOCK_MS
        if voiced:
            self._voice_ms = self._fed_ms
        elif self._voice_ms is None or self._fed_ms - self._voice_ms > TAIL_MS:
            self._before.append(block)
            return b""
        passed = b"".join([*self._before, block])
        count = len(self._before)
        if count or not self._anchors:
            self._anchors.append((self._passed_ms, begin_ms - count * BLOCK_MS))
        self._passed_ms += (count + 1) * BLOCK_MS
        self._before.clear()
        return passed


async def prepared() -> None:
    """Import what loudness is reckoned with, off the loop."""
    await asyncio.to_thread(import_module, "numpy")
