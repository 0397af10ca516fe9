"""What a tool says while it works, on its way to the reply that waits for it.

The tool may outlive the reply: it puts, never waits, and nobody need read.
"""

from __future__ import annotations

import asyncio
from collections import deque

import attrs

WAITING = 4
"""How many may wait to be spoken; of more, the oldest is dropped as stale."""


@attrs.define(eq=False)
class Remarks:
    """The remarks of one tool; one reader."""

    _texts: deque[str] = attrs.field(factory=lambda: deque(maxlen=WAITING), init=False)
    _next: asyncio.Future[None] | None = attrs.field(default=None, init=False)

    def put(self, text: str) -> None:
        """Say *text*, if somebody listens."""
        self._texts.append(text)
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def next(self) -> asyncio.Future[None]:
        """Done when there is something to `take`."""
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        if self._texts:
            self._next.set_result(None)
        return self._next

    def take(self) -> list[str]:
        """Everything that waits, oldest first."""
        texts = list(self._texts)
        self._texts.clear()
        return texts
