"""DTMF keys on their way to whoever collects them. Pure.

Of a sensitive entry the turn engine, every record and the history get only a mask. Keys that
still come after such an entry is complete belong to it, and are hidden too.
"""

from __future__ import annotations

import attrs

MASK = "x"
"""What the engine is told for a key it is not to know."""
TAIL_MS = 3_000
TONE_MS = 500
"""A key is known when its tone begins, or when it ends: so long, it may still sound."""


@attrs.frozen
class Key:
    """What becomes of a key: *posted* to the turn engine, unless empty; *shown* in the record."""

    posted: str
    shown: bool


@attrs.define
class Keypad:
    """The entry that is being collected, if one is."""

    _open: bool = False
    _hides: bool = False
    _end: str = ""
    _ended: bool = False
    _kept: str = attrs.field(default="", repr=False)
    _tail_ms: int = -1
    _tail_end: str = ""
    _tail_hides: bool = False
    _sounds_until_ms: int = -1

    def collect(self, end: str, *, sensitive: bool) -> None:
        """From now on keys are an entry, which *end* completes."""
        self._open, self._hides, self._end = True, sensitive, end
        self._ended, self._kept = False, ""

    def press(self, digit: str, at_ms: int) -> Key:
        """The caller pressed *digit*."""
        if self.hides(at_ms):
            self._sounds_until_ms = at_ms + TONE_MS
        if at_ms <= self._tail_ms and (late := self._late(digit, at_ms)):
            return late
        self._ended = self._open and digit == self._end
        if not (self._open and self._hides):
            return Key(digit, shown=True)
        if self._ended:
            return Key(digit, shown=False)
        self._kept += digit
        return Key(MASK, shown=False)

    def hides(self, at_ms: int) -> bool:
        """May what the caller's line sounds of at *at_ms* be the tone of a secret key?"""
        late = self._tail_hides and at_ms <= self._tail_ms
        return (self._open and self._hides) or late or at_ms <= self._sounds_until_ms

    def close(self, digits: str, at_ms: int, *, complete: bool) -> tuple[str, int]:
        """The engine's *digits* as they were pressed, and how many of them are hidden."""
        hidden = digits.count(MASK)
        kept = iter(self._kept[max(0, len(self._kept) - hidden) :])
        pressed = "".join(next(kept, "") if digit == MASK else digit for digit in digits)
        if not self._ended:
            self._tail_ms = at_ms + TAIL_MS
            self._tail_end = self._end if complete else ""
            self._tail_hides = self._hides
        self.forget()
        return pressed, hidden

    def forget(self) -> None:
        """Nobody collects any more."""
        self._open = self._hides = False
        self._kept = ""

    def _late(self, digit: str, at_ms: int) -> Key | None:
        """A key that still belongs to the previous entry, which may be secret: swallow it."""
        if digit == self._tail_end:
            self._tail_ms = -1
        elif self._tail_hides and not self._open:
            self._tail_ms = at_ms + TAIL_MS
        else:
            return None
        return Key("", shown=not self._tail_hides)
