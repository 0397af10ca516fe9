"""A tool that keeps failing is left alone for a while, instead of keeping every caller waiting.

State belongs to the tool and to one event loop, whose clock its times are of. After `FAILURES`
in a row the circuit is open for `OPEN_MS`; then one run is let through, and decides.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import attrs

FAILURES = 5
OPEN_MS = 30_000
PROBE_MS = 1_000.0


@attrs.define
class Circuit:
    """The runs of one tool. Without I/O and without a clock: times come in."""

    failures: int = 0
    open_until_ms: float = 0.0
    probing: bool = False

    def wait_ms(self, now_ms: float) -> float:
        """How long no run may begin, 0 if one may now; whoever gets 0 has to `settle`."""
        if self.failures < FAILURES:
            return 0.0
        if self.probing:
            # Its outcome decides; until then it counts as the failure that it probably is.
            return PROBE_MS
        if open_ms := self.open_ms(now_ms):
            return open_ms
        self.probing = True
        return 0.0

    def open_ms(self, now_ms: float) -> float:
        """How long it stays open; 0 if it is not."""
        return max(0.0, self.open_until_ms - now_ms) if self.failures >= FAILURES else 0.0

    def settle(self, ok: bool | None, now_ms: float) -> None:
        """A run has ended; None if it was cancelled, which says nothing about the tool."""
        self.probing = False
        if ok is None:
            return
        if ok:
            self.failures = 0
            return
        self.failures += 1
        if self.failures >= FAILURES:
            self.open_until_ms = now_ms + OPEN_MS


@attrs.frozen(eq=False)
class CircuitBreaker:
    """The circuit of one tool in each event loop that runs it."""

    _circuits: WeakKeyDictionary[asyncio.AbstractEventLoop, Circuit] = attrs.field(
        factory=WeakKeyDictionary, init=False
    )

    def circuit(self) -> Circuit:
        """That of the running loop."""
        return self._circuits.setdefault(asyncio.get_running_loop(), Circuit())
