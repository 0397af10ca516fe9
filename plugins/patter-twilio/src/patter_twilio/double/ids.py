"""Twilio's names for things: two letters and 32 hexadecimal digits, here counted up."""

from __future__ import annotations

from itertools import count

import attrs


@attrs.define
class Ids:
    """Makes names that no two things of one double share."""

    seed: int = 0
    _next: count[int] = attrs.field(factory=lambda: count(1), init=False)

    def new(self, kind: str) -> str:
        """A name of *kind*: CA for calls, MZ for streams, RE for recordings, ..."""
        return f"{kind}{self.seed & 0xFFFF:04x}{next(self._next):028x}"
