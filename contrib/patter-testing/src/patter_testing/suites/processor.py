"""How fast the processor is that a suite runs on: limits are those of an ordinary server."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

ORDINARY_MS = 1.0
"""What `_work_ms` is on an ordinary server, about 3 GHz and not shared."""
SHARED = 3
"""So many times as long may a piece take on a machine that does other work meanwhile."""
Piece = TypeVar("Piece")


def cost_ms(work: Callable[[Piece], object], pieces: Sequence[Piece]) -> float:
    """How long *work* holds its thread up for a piece on an ordinary server, in milliseconds.

    It is the processor's time, which other programs do not lengthen. Work that waits uses none, so
    the least that a piece took counts, too, and a third of what most took.
    """
    took, before_ms, used = [], _work_ms(), time.thread_time()
    for piece in pieces:
        begun = time.perf_counter()
        work(piece)
        took.append(time.perf_counter() - begun)
    mean_s = (time.thread_time() - used) / len(pieces)
    slowness = max(1.0, (before_ms + _work_ms()) / 2 / ORDINARY_MS)
    return max(mean_s, min(took), statistics.median(took) / SHARED) * 1_000 / slowness


def _work_ms() -> float:
    begun, total = time.thread_time(), 0
    for number in range(20_000):
        total += number * number
    return (time.thread_time() - begun) * 1_000
