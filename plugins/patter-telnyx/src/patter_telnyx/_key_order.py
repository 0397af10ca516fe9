"""Puts keys into the order in which they were pressed, with bounded patience. Pure: times come in.

Telnyx says of every key when it was pressed (``occurred_at``), and does not promise that keys
come in that order. Nothing in a key tells whether an earlier one is still on its way, so each
waits a moment. Source: developers.telnyx.com/api-reference/websockets, DTMF frame and Ordering.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import attrs

from patter.providers.carrier import Dtmf

PATIENCE_MS = 80.0
"""How long a key waits for an earlier one.

Two keys are at least 80 ms apart, 40 ms of tone and 40 ms of silence (ITU-T Q.24): as long as
keys come in order, none waits for the one after it.
"""
MAX_WAITING = 32
REMEMBERED = 32


@attrs.frozen
class Press:
    """A key that was pressed *at_ms*; *number* is that of its frame."""

    key: Dtmf
    at_ms: float
    number: int | None = None


@attrs.define(eq=False)
class KeyOrder:
    """The keys of one stream. Each is heard once, at most *patience_ms* after it came.

    A key that comes later than that is heard when it comes, after those it should have preceded.
    """

    patience_ms: float = PATIENCE_MS
    _waiting: list[tuple[float, Press]] = attrs.field(factory=list, init=False, repr=False)
    _copies: deque[Press] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False)

    def put(self, press: Press, now_ms: float) -> list[Dtmf]:
        """Take a key that came *now_ms*; those that are to be heard now, in order.

        One frame that came twice, which its number and time tell, is one key.
        """
        if press.number is not None:
            if press in self._copies:
                return self.release(now_ms)
            self._copies.append(press)
        self._waiting.append((now_ms + self.patience_ms, press))
        return self.release(now_ms)

    def patience_left_ms(self, now_ms: float) -> float | None:
        """How long the first key to be heard may still wait; None when none waits."""
        if not self._waiting:
            return None
        return min(due_ms for due_ms, _ in self._waiting) - now_ms

    def release(self, now_ms: float) -> list[Dtmf]:
        """The keys that have waited long enough, each after all that were pressed before it."""
        due = [press.at_ms for due_ms, press in self._waiting if due_ms <= now_ms]
        if len(self._waiting) > MAX_WAITING:
            due.append(min(press.at_ms for _, press in self._waiting))
        return self._until(max(due)) if due else []

    def rest(self) -> list[Dtmf]:
        """All that wait, in order: no more keys come."""
        return self._until(float("inf"))

    def _until(self, at_ms: float) -> list[Dtmf]:
        """Those that were pressed until *at_ms*."""
        ready = [press for _, press in self._waiting if press.at_ms <= at_ms]
        self._waiting = [(due_ms, press) for due_ms, press in self._waiting if press.at_ms > at_ms]
        return [
            press.key for press in sorted(ready, key=lambda each: (each.at_ms, each.number or 0))
        ]


def pressed_ms(occurred_at: object) -> float | None:
    """Milliseconds since 1970 of a time in ISO 8601, in UTC unless it says else; None for no time.

    >>> pressed_ms("1970-01-01T00:00:01.500Z"), pressed_ms("soon")
    (1500.0, None)
    """
    if not isinstance(occurred_at, str):
        return None
    try:
        when = datetime.fromisoformat(occurred_at)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1_000
    except (ValueError, OverflowError):
        return None
