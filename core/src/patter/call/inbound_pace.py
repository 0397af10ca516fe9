"""What a line may deliver: audio in real time, keys and marks as fast as anybody makes them.

Pure. A line that brings more hurts whoever shares the process, so the rest is dropped and noted.
"""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.carrier import Dtmf, Hangup, LegEvent

AHEAD_MS = 1_000.0
"""A line may be so far ahead of real time."""

HELD_UP_MS = 10_000.0
"""What a network held up for so long may come at once: it was spoken in real time."""

TOLERANCE = 1.01
"""A carrier's clock may run faster than ours."""

KEYS_PER_S, KEYS_AT_ONCE = 20.0, 40.0
"""Dialling equipment presses ten a second; a number and its extension come in one go."""

OTHERS_PER_S, OTHERS_AT_ONCE = 50.0, 200.0
"""Marks are asked for twice a second, and all come back at once when audio is cleared."""

LONGEST_NAME = 256
"""Characters of a mark's name. Ours have about ten."""

NOTE_MS = 10_000.0
"""How often it is said again that a line brings too much."""


@attrs.define
class _Allowance:
    """*per_ms* is gained each millisecond, and at most *most* kept."""

    per_ms: float
    most: float
    left: float
    at_ms: float

    def take(self, amount: float, now_ms: float) -> bool:
        """Use *amount* if there is as much."""
        left = self.left + (now_ms - self.at_ms) * self.per_ms
        self.at_ms = now_ms
        if left > self.most:
            left = self.most
        admitted = amount <= left
        self.left = left - amount if admitted else left
        return admitted


@attrs.define(eq=False)
class InboundPace:
    """The allowances of one line of *audio*, from *began_ms* on. Times in ms of one clock."""

    audio: AudioFormat
    began_ms: float
    dropped: int = attrs.field(default=0, init=False)
    _audio: _Allowance = attrs.field(init=False)
    _keys: _Allowance = attrs.field(init=False)
    _others: _Allowance = attrs.field(init=False)
    _noted_ms: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        at, per_ms = self.began_ms, self.audio.bytes_per_ms
        self._audio = _Allowance(TOLERANCE * per_ms, HELD_UP_MS * per_ms, AHEAD_MS * per_ms, at)
        self._keys = _Allowance(KEYS_PER_S / 1_000, KEYS_AT_ONCE, KEYS_AT_ONCE, at)
        self._others = _Allowance(OTHERS_PER_S / 1_000, OTHERS_AT_ONCE, OTHERS_AT_ONCE, at)

    def admits(self, event: LegEvent, now_ms: float) -> bool:
        """May *event* be acted on? A hang-up always may."""
        match event:
            case bytes():
                admitted = self._audio.take(len(event), now_ms)
            case Hangup():
                return True
            case Dtmf():
                admitted = self._keys.take(1, now_ms)
            case _:
                name = getattr(event, "name", "")
                admitted = len(name) <= LONGEST_NAME and self._others.take(1, now_ms)
        self.dropped += not admitted
        return admitted

    def is_news(self, now_ms: float) -> bool:
        """Is it worth a note, now, that something was dropped? Not each time."""
        if self._noted_ms is not None and now_ms - self._noted_ms < NOTE_MS:
            return False
        self._noted_ms = now_ms
        return True
