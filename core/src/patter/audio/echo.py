"""Tells the agent's own voice that comes back from the caller's, by level alone.

Arithmetic on the call's clock. An echo is much quieter than what was played; somebody who talks
into a telephone is about as loud as the agent. An echo within 15 dB of the agent's own level, as a
loudspeaker at full volume makes, passes for a voice: cancelling it is an audio filter's work.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter.audio.formats import AudioFormat
from patter.audio.level import powers

BLOCK_MS = 20.0
MOST_BLOCKS = 512
"""Ten seconds; what a carrier holds of ours and `EchoGate.window_ms` are far less."""
QUIET = 1e-6
"""The power, -60 dB of full scale, below which what was played is silence."""


@attrs.define(eq=False)
class EchoGate:
    """Compares the caller's audio, in *near*, with what was played to the caller, in *far*.

    Audio is an echo when it is more than *below_db* below the loudest 20 ms played in the last
    *window_ms*: the way to the telephone, the room and the way back take no longer. For
    *hold_ms* after something louder nothing is: syllables end softly.
    """

    far: AudioFormat
    near: AudioFormat
    below_db: float = 15.0
    window_ms: float = 600.0
    hold_ms: float = 160.0
    _blocks: deque[tuple[float, float]] = attrs.field(
        factory=lambda: deque(maxlen=MOST_BLOCKS), init=False
    )
    _open_until_ms: float = attrs.field(default=0.0, init=False)

    def played(self, at_ms: float, audio: bytes) -> None:
        """*audio* is played from *at_ms* on, which may be in the future."""
        for power in powers(audio, self.far, BLOCK_MS):
            if power > QUIET:
                self._blocks.append((at_ms, power))
            at_ms += BLOCK_MS

    def cut(self, at_ms: float) -> None:
        """What was to be played from *at_ms* on is not."""
        while self._blocks and self._blocks[-1][0] >= at_ms:
            self._blocks.pop()

    def is_echo(self, audio: bytes, from_ms: float, now_ms: float) -> bool:
        """Is the caller's *audio*, from *from_ms* and here since *now_ms*, the agent's own?

        Ask of each piece once, in order.
        """
        loudest = self._loudest(from_ms - self.window_ms, now_ms)
        if not loudest:
            return False
        near = max(powers(audio, self.near, BLOCK_MS), default=0.0)
        if near * 10 ** (self.below_db / 10) >= loudest:
            self._open_until_ms = now_ms + self.hold_ms
            return False
        return now_ms > self._open_until_ms

    def _loudest(self, from_ms: float, until_ms: float) -> float:
        """The greatest power played in that time; what is older is forgotten."""
        blocks, loudest = self._blocks, 0.0
        while blocks and blocks[0][0] + BLOCK_MS <= from_ms:
            blocks.popleft()
        for at_ms, power in blocks:
            if at_ms > until_ms:
                break
            loudest = max(loudest, power)
        return loudest
