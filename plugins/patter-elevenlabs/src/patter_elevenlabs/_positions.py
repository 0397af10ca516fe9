"""Where in a caller's audio a recogniser's times lie, when silence of ours is in between (pure).

A session that is sent nothing is closed, so silence is sent where a caller's line sends nothing.
It counts for the vendor, and not for the caller.
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
    >>> sent.of_caller(500), sent.of_caller(1_050), sent.of_caller(1_600), sent.caller_ms
    (500, 1000, 1500, 2000.0)
    """

    audio: AudioFormat
    _caller: int = attrs.field(default=0, init=False)
    _padding: int = attrs.field(default=0, init=False)
    _pads: list[tuple[float, float]] = attrs.field(factory=list, init=False)
    _committed: int = attrs.field(default=0, init=False)

    @property
    def caller_ms(self) -> float:
        """How much of the caller's audio was sent."""
        return self.audio.ms_in(self._caller)

    @property
    def uncommitted_ms(self) -> float:
        """How much audio, silence included, came after the last `commit`."""
        return self.audio.ms_in(self._caller + self._padding - self._committed)

    def add(self, size: int) -> None:
        """*size* bytes of the caller's were sent."""
        self._caller += size

    def pad(self, size: int) -> None:
        """*size* bytes of silence were sent."""
        self._pads.append((self.audio.ms_in(self._caller + self._padding), self.audio.ms_in(size)))
        self._padding += size

    def commit(self) -> None:
        """What was sent until now belongs to a segment that is over."""
        self._committed = self._caller + self._padding

    def of_caller(self, vendor_ms: float) -> int:
        """Where in the caller's audio *vendor_ms* of all audio is; never behind its end."""
        before_ms = 0.0
        for at_ms, length_ms in self._pads:
            before_ms += min(max(0.0, vendor_ms - at_ms), length_ms)
        return int(min(vendor_ms - before_ms, self.caller_ms))
