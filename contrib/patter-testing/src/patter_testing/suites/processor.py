"""How fast the processor is that a suite runs on: limits are those of an ordinary server."""

from __future__ import annotations

import time

ORDINARY_MS = 1.0
"""What `_work` takes on an ordinary server, about 3 GHz and not shared."""
TRIES = 5


def slowness() -> float:
    """How many times as long as an ordinary server this processor takes just now; 1 at least."""
    return max(1.0, min(_work_ms() for _ in range(TRIES)) / ORDINARY_MS)


def _work_ms() -> float:
    begun, total = time.perf_counter(), 0
    for number in range(20_000):
        total += number * number
    return (time.perf_counter() - begun) * 1_000
