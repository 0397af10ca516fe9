"""A loudspeaker without a sound card: it plays what it was sent at the pace it is asked to.

No clock: whoever holds it says how much time has passed. What it has played is what a
caller has heard; a mark is answered once everything before it was played or dropped.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter.audio.formats import MULAW_8K


@attrs.define
class Speaker:
    """Audio that waits to be played, and the marks in it."""

    _waiting: bytearray = attrs.field(factory=bytearray, init=False)
    _marks: deque[tuple[int, str]] = attrs.field(factory=deque, init=False)
    _played: int = attrs.field(default=0, init=False)

    def put(self, audio: bytes) -> None:
        """Play *audio* after what waits already."""
        self._waiting += audio

    def mark(self, name: str) -> None:
        """Remember that *name* stands after what was put so far."""
        self._marks.append((self._played + len(self._waiting), name))

    def clear(self) -> list[str]:
        """Drop what waits; return every mark in it."""
        self._waiting.clear()
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def reached(self) -> list[str]:
        """The marks that everything before was played of; each is named once."""
        names = []
        while self._marks and self._marks[0][0] <= self._played:
            names.append(self._marks.popleft()[1])
        return names

    def play(self, size: int) -> bytes:
        """The next *size* bytes as they sound: audio, then silence where there is none."""
        audio = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._played += len(audio)
        return audio.ljust(size, MULAW_8K.silence)

    def __len__(self) -> int:
        return len(self._waiting)
