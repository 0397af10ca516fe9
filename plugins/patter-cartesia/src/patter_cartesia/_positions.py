"""Where in a caller's audio Cartesia's times lie, when silence of ours is in between (pure).

A socket that is sent nothing is closed, so silence is sent where a caller's line sends nothing
for long. It counts for Cartesia, and not for the caller.
"""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat


@attrs.define
class Positions:
    """What was sent of *audio*: the caller's bytes, and silence that was put between.

    >>> from patter.audio.formats import MULAW_8K
    >>> sent = Positions(MULAW_8K)
    >>> sent.add(8_000), sent.pad(800), sent.add(8_000)
    (None, None, None)
    >>> sent.of_caller(500), sent.of_caller(1_050), sent.of_caller(1_600)
    (500, 1000, 1500)
    >>> sent.of_caller(9_000) is None
    True
    """

    audio: AudioFormat
    caller_bytes: int = attrs.field(default=0, init=False)
    _pads: list[tuple[float, float]] = attrs.field(factory=list, init=False)
    _padding: int = attrs.field(default=0, init=False)

    def add(self, size: int) -> None:
        """*size* bytes of the caller's were sent."""
        self.caller_bytes += size

    def pad(self, size: int) -> None:
        """*size* bytes of silence were sent."""
        at_ms = self.audio.ms_in(self.caller_bytes + self._padding)
        self._pads.append((at_ms, self.audio.ms_in(size)))
        self._padding += size

    def of_caller(self, sent_ms: float) -> int | None:
        """Where in the caller's audio *sent_ms* of all audio is; None where there is none."""
        before_ms = 0.0
        for at_ms, length_ms in self._pads:
            before_ms += min(max(0.0, sent_ms - at_ms), length_ms)
        found_ms = round(sent_ms - before_ms)
        return found_ms if 0 <= found_ms <= self.audio.ms_in(self.caller_bytes) + 1 else None
