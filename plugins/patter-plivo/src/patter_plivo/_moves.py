"""Calls we sent somewhere else ourselves: their streams stop, and nobody has hung up."""

from __future__ import annotations

from collections import OrderedDict

import attrs

REMEMBERED = 10_000


@attrs.define(eq=False)
class Moves:
    """Which calls are away from their stream by our own order; the last *remembered* of them."""

    remembered: int = REMEMBERED
    _away: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)

    def __contains__(self, call_uuid: str) -> bool:
        return call_uuid in self._away

    def __len__(self) -> int:
        return len(self._away)

    def away(self, call_uuid: str) -> None:
        """The call leaves its stream."""
        self._away[call_uuid] = None
        if len(self._away) > self.remembered:
            self._away.popitem(last=False)

    def back(self, call_uuid: str) -> None:
        """A new stream has begun, or the call is over; twice is fine."""
        self._away.pop(call_uuid, None)
