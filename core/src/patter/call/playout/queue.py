"""Audio that waits to be sent: pushed in any pieces, taken in chunks, never copied twice."""

from __future__ import annotations

from collections import deque

import attrs


@attrs.define(eq=False)
class AudioQueue:
    """A queue of bytes; each operation costs what it moves, not what waits."""

    size: int = attrs.field(default=0, init=False)
    _pieces: deque[bytes] = attrs.field(factory=deque, init=False)
    _taken: int = attrs.field(default=0, init=False)

    def push(self, audio: bytes) -> None:
        """Let *audio* wait behind the rest."""
        if audio:
            self._pieces.append(audio)
            self.size += len(audio)

    def put_back(self, audio: bytes) -> None:
        """Let *audio*, which was taken, wait before the rest."""
        if self._taken:
            self._pieces[0] = self._pieces[0][self._taken :]
            self._taken = 0
        if audio:
            self._pieces.appendleft(audio)
            self.size += len(audio)

    def take(self, size: int) -> bytes:
        """The first *size* bytes, or all if there are fewer."""
        parts: list[bytes] = []
        size = min(size, self.size)
        while size > 0:
            parts.append(self._slice(size))
            size -= len(parts[-1])
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def _slice(self, most: int) -> bytes:
        """At most *most* bytes of the oldest piece."""
        first, start = self._pieces[0], self._taken
        part = first[start : start + most]
        self._taken += len(part)
        self.size -= len(part)
        if self._taken == len(first):
            self._pieces.popleft()
            self._taken = 0
        return part

    def clear(self) -> None:
        """Forget what waits."""
        self._pieces.clear()
        self.size = self._taken = 0
