"""What a caller is played, cut to the stretches in which the caller's own audio comes.

Echo cancellers call it the far end, or the reference. One value for one call; it keeps the last
seconds only.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter.audio.formats import AudioFormat

KEEP_MS = 5_000.0
DRIFT_MS = 20.0
"""Less than this is the rounding and jitter of a clock, not a gap in the caller's audio."""


@attrs.define(eq=False)
class FarEnd:
    """Audio in *audio* with the time, on the call's clock, at which it is played."""

    audio: AudioFormat
    _pieces: deque[tuple[int, bytes]] = attrs.field(factory=deque, init=False)
    _read: int | None = attrs.field(default=None, init=False)

    def played(self, at_ms: float, audio: bytes) -> None:
        """*audio* is played from *at_ms* on, which may be in the future."""
        begins = self._sample(at_ms)
        self._pieces.append((begins, audio))
        self._forget(begins - self._sample(KEEP_MS))

    def cut(self, at_ms: float) -> None:
        """What was to be played from *at_ms* on is not."""
        end = self._sample(at_ms)
        while self._pieces and self._pieces[-1][0] >= end:
            self._pieces.pop()
        if self._pieces:
            begins, audio = self._pieces.pop()
            self._pieces.append((begins, audio[: (end - begins) * self.audio.sample_bytes]))

    def read(self, from_ms: float, size: int) -> bytes:
        """*size* bytes of what was played from *from_ms* on, silence where nothing was.

        Stretches that follow one another are read without a seam.
        """
        begins = self._sample(from_ms)
        if self._read is not None and abs(begins - self._read) < self._sample(DRIFT_MS):
            begins = self._read
        count = size // self.audio.sample_bytes
        self._read = begins + count
        self._forget(begins)
        return self._stretch(begins, count)

    def _stretch(self, begins: int, count: int) -> bytes:
        line, width = bytearray(self.audio.silence * count), self.audio.sample_bytes
        for at, audio in self._pieces:
            if at >= begins + count:
                break
            part = audio[max(0, begins - at) * width : (begins + count - at) * width]
            place = max(0, at - begins) * width
            line[place : place + len(part)] = part
        return bytes(line)

    def _forget(self, before: int) -> None:
        """Drop what ends at sample *before*, or sooner."""
        pieces, width = self._pieces, self.audio.sample_bytes
        while pieces and pieces[0][0] + len(pieces[0][1]) // width <= before:
            pieces.popleft()

    def _sample(self, ms: float) -> int:
        return round(ms * self.audio.rate_hz / 1_000)
