"""Asking a second model before the first has failed: when, and how often at most. Pure.

A hedge costs a second request, so it begins only when the first takes longer than nearly all
before it did, and only for a small share of all requests: a vendor whose every answer is late
must not double the bill.
"""

from __future__ import annotations

import attrs

from patter.providers.availability import Availability

SHARE = 0.1
"""At most so many of all requests are hedged, unless another share is chosen."""

MOST = 5.0
"""How many hedges at most may follow each other, after a time without."""

LEAST = 20
"""Latencies that must be known before a model counts as late for a hedge."""

MARGIN = 1.05
"""A model whose answers all take the same is not late when they come."""

SOONEST_MS = 200.0
"""Before that no model is late."""

LATE_MS, LATEST_MS = 1_000.0, 4_000.0
"""A model that has not begun by then, or by twice its 95th percentile, gets company anyway."""

LATE_LEAST = 5
"""Latencies that must be known before `LATE_MS` may grow."""


@attrs.define(eq=False)
class HedgeBudget:
    """How many hedges are left: *share* of one with each request, `MOST` together."""

    share: float
    left: float = 0.0

    def note_request(self) -> None:
        """One more request is made."""
        self.left = min(MOST, self.left + self.share)

    @property
    def any(self) -> bool:
        """Is there one left? A tenth added ten times is less than one, to a float."""
        return self.left >= 1.0 - 1e-9

    def spend(self) -> bool:
        """Take one hedge; False when there is none left."""
        if not self.any:
            return False
        self.left -= 1.0
        return True


def late_ms(availability: Availability) -> float:
    """After how long without a beginning a model is late, and another is asked beside it."""
    p95_ms = availability.p95_ms(LATE_LEAST)
    return LATE_MS if p95_ms is None else min(max(LATE_MS, 2 * p95_ms), LATEST_MS)


def hedge_ms(availability: Availability) -> float | None:
    """After how long a hedge may begin; None while too little is known of the model."""
    p95_ms = availability.p95_ms(LEAST)
    if p95_ms is None:
        return None
    return min(max(SOONEST_MS, p95_ms * MARGIN), late_ms(availability))
