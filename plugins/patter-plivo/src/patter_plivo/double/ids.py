"""Plivo's names for things, here counted up: UUIDs for calls, digits for applications."""

from __future__ import annotations

from itertools import count

import attrs


@attrs.define
class Ids:
    """Makes names that no two things of one double share."""

    seed: int = 0
    _next: count[int] = attrs.field(factory=lambda: count(1), init=False)

    def uuid(self) -> str:
        """The name of a call, a stream, a conference, or a recording."""
        return f"{self.seed & 0xFFFFFFFF:08x}-9c1d-4b7e-8a11-{next(self._next):012x}"

    def digits(self) -> str:
        """The name of an application."""
        return f"{21_000_000_000_000_000 + next(self._next)}"
