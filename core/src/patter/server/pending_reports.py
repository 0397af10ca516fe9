"""What carriers said of calls that nobody knows yet: a webhook may overtake the answer to a dial.

Bounded both ways: the oldest calls are forgotten first, and of each call the oldest notes.
"""

from __future__ import annotations

from collections import OrderedDict, deque

import attrs

from patter.providers.carrier import CarrierCall
from patter.server.calls import Detected, Reported

CALLS = 256
NOTES = 16


@attrs.define(eq=False)
class PendingReports:
    """The notes of calls until they are known, in the order they came."""

    _kept: OrderedDict[CarrierCall, deque[Reported | Detected]] = attrs.field(
        factory=OrderedDict, init=False
    )

    def keep(self, call: CarrierCall, note: Reported | Detected) -> None:
        """Keep *note* until somebody takes it."""
        self._kept.setdefault(call, deque(maxlen=NOTES)).append(note)
        if len(self._kept) > CALLS:
            self._kept.popitem(last=False)

    def take(self, call: CarrierCall) -> tuple[Reported | Detected, ...]:
        """The notes of *call*, which are kept no longer."""
        return tuple(self._kept.pop(call, ()))
