"""Garbage is collected when it stalls nobody: the old generation waits until no call is open.

A full collection visits every object of every call, tens of milliseconds at a hundred calls, in
which none of them gets any audio. Calls leave no cycles behind, so there is little to find.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

YOUNG, MIDDLE = 5_000, 20
"""After so many new objects the youngest are looked at, and after so many times the next."""
NEVER = 1_000_000
LOOK_S = 5.0
SOME, TOO_MANY = 2, 100
"""Collections of the middle generation after which the old one is due, and overdue."""


@contextmanager
def collecting(calls: Callable[[], int]) -> Iterator[None]:
    """Collect the old generation when *calls* are none, or when it is overdue.

    What exists now is never visited. To be entered on a running loop.
    """
    thresholds = gc.get_threshold()
    # Of what the start left over the young part goes first; all of it would cost such a
    # collection.
    gc.collect(1)
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        old = gc.get_count()[2]
        if old >= (TOO_MANY if calls() else SOME):
            gc.collect()
        timer = loop.call_later(LOOK_S, look)

    timer = loop.call_later(LOOK_S, look)
    try:
        yield
    finally:
        timer.cancel()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
