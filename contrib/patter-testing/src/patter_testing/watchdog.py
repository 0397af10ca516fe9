"""Ends a test whose event loop is blocked, which no timeout of the loop's own can do.

A call that waits without ``await`` (a vendor's synchronous client, say) stops every timer. The
alarm of the operating system interrupts it; where there is none, or somebody else uses it,
nothing is watched.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

BLOCKED = "fix: await it, or run it in a thread: await asyncio.to_thread(...)"
BUSY = "fix: look for what repeats without an end, or allow more: @pytest.mark.patter_timeout(60)"
_ASYNCIO = str(Path(asyncio.__file__).parent)


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Fail what is running, and say where, when the body takes longer than *seconds*."""
    if not _is_free():
        yield
        return

    def bark(_: int, frame: FrameType | None) -> None:
        place = _place(frame)
        blocked = f"the event loop was blocked for {seconds:g} s\n  {place}\n{BLOCKED}"
        busy = f"still busy after {seconds:g} s\n{BUSY}"
        pytest.fail(blocked if place else busy, pytrace=False)

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_free() -> bool:
    if not hasattr(signal, "setitimer"):
        return False
    ours = threading.current_thread() is threading.main_thread()
    return ours and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def _place(frame: FrameType | None) -> str:
    """Where it blocks, innermost first; "" where the loop itself is waiting."""
    lines = []
    while frame is not None and not frame.f_code.co_filename.startswith(_ASYNCIO):
        code = frame.f_code
        lines.append(f"at {code.co_filename}:{frame.f_lineno} in {code.co_qualname}")
        frame = frame.f_back
    return "\n  ".join(lines[:5])
