"""The signs of life of a process on a bad day: its loop, its memory, and what it complains of."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import attrs

from patter.aio import task_scope

LOOK_S = 0.02
STALL_MS = 500.0
"""A loop that stands still for so long is heard by every caller; doubles and phone share it."""
CALL_KB = 400.0
"""What fakes and doubles keep of a call that is over, beside its audio."""
FIRST_DAY_KB = 40_000.0
SCHEDULED = Path("/proc/thread-self/schedstat")
STATM = Path("/proc/self/statm")
PAGE_KB = 4.096
HEAP = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)


@attrs.define(eq=False)
class Vitals:
    """What was seen in *calls* calls."""

    calls: int
    late_ms: float = 0.0
    began_kb: float = attrs.field(factory=lambda: memory_kb())
    complaints: list[str] = attrs.field(factory=list)

    def problems(self, kept_bytes: int, excuse: str = "") -> Iterator[str]:
        """What no process may show; *kept_bytes* of audio are kept by who plays the vendors.

        A complaint that has the words of *excuse* is due.
        """
        if self.late_ms > STALL_MS:
            yield f"the loop stood still for {self.late_ms:.0f} ms"
        gc.collect()
        grown_kb = memory_kb() - self.began_kb - 4 * kept_bytes / 1_000
        if grown_kb > FIRST_DAY_KB + CALL_KB * self.calls:
            yield f"memory grew by {grown_kb:.0f} KB in {self.calls} calls"
        undue = [text for text in self.complaints if not excuse or excuse not in text]
        yield from (f"it was logged that {text}" for text in undue[:5])

    async def watch(self) -> None:
        """Note how late a timer of the loop is."""
        loop = asyncio.get_running_loop()
        while True:
            due, waited_ms = loop.time() + LOOK_S, _waited_ms()
            await asyncio.sleep(LOOK_S)
            late_ms = (loop.time() - due) * 1_000 - (_waited_ms() - waited_ms)
            self.late_ms = max(self.late_ms, late_ms)


def _waited_ms() -> float:
    """How long this thread was ready to run while others had the processors; 0 if none tells."""
    if not SCHEDULED.exists():
        return 0.0
    return int(SCHEDULED.read_text(encoding="ascii").split()[1]) / 1e6


class _Complaints(logging.Handler):
    """Errors with a traceback: nobody's, on a day when only vendors and networks fail."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        what = record.exc_info[1] if record.exc_info else None
        self._found.append(f"{record.name}: {record.getMessage()} ({what!r:.200})")


@asynccontextmanager
async def watched(calls: int) -> AsyncIterator[Vitals]:
    """Watch the loop, the memory and the log while inside."""
    signs = Vitals(calls)
    handler, log = _Complaints(signs.complaints), logging.getLogger()
    log.addHandler(handler)
    try:
        async with task_scope() as tasks:
            watching = tasks.create_task(signs.watch())
            try:
                yield signs
            finally:
                watching.cancel()
    finally:
        log.removeHandler(handler)


class _Heap(ctypes.Structure):
    """What ``mallinfo2`` of glibc tells; large objects of Python are there, audio among them."""

    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in HEAP]
    uordblks: int
    hblkhd: int


def memory_kb() -> float:
    """What is in use: what was freed stays with a process, and would hide what leaks.

    Where the system's allocator does not tell, what the process has.
    """
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return (
            int(STATM.read_text(encoding="ascii").split()[1]) * PAGE_KB if STATM.exists() else 0.0
        )
    ask.restype = _Heap
    heap = ask()
    return float(heap.uordblks + heap.hblkhd) / 1_000
