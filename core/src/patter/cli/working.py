"""Says what a command does and for how long, once that takes more than a second.

A terminal has one line that is repainted and is gone at the end; elsewhere there is a line when
the second is over and one with the time it took. JSON and ``--quiet`` have neither.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import attrs

from patter.cli.out import Out, fitting
from patter.clock import machine_ms

AFTER_S = 1.0
_CLEAR = "\r\x1b[K"


@attrs.define(eq=False)
class _Work:
    """Prints about *what* on a thread of its own until it is done."""

    out: Out
    what: str
    began_ms: float = attrs.field(factory=machine_ms)
    _done: threading.Event = attrs.field(factory=threading.Event, init=False)
    _has_notice: bool = attrs.field(default=False, init=False)

    def run(self) -> None:
        wait_s = max(AFTER_S - self.seconds, AFTER_S / 5)
        while not self._done.wait(wait_s):
            wait_s = AFTER_S
            if self.repaints:
                line = fitting(f"{self.what}: {self.seconds:.0f} s")
                print(f"{_CLEAR}{line}", end="", file=sys.stderr, flush=True)
            elif not self._has_notice:
                self.out.progress(f"{self.what} ...")
            self._has_notice = True

    def finish(self) -> None:
        self._done.set()

    def conclude(self) -> None:
        if self._has_notice and self.repaints:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
        elif self._has_notice:
            self.out.progress(f"{self.what}: {self.seconds:.1f} s")

    @property
    def seconds(self) -> float:
        return (machine_ms() - self.began_ms) / 1_000

    @property
    def repaints(self) -> bool:
        return sys.stderr.isatty() and self.out.color


@contextmanager
def working(out: Out, what: str, began_ms: float | None = None) -> Iterator[None]:
    """Tell *what* is done inside, such as ``replaying 7f3a``, if it takes long since *began_ms*."""
    if out.json or out.quiet:
        yield
        return
    work = _Work(out, what, machine_ms() if began_ms is None else began_ms)
    thread = threading.Thread(target=work.run, name="patter-working", daemon=True)
    thread.start()
    try:
        yield
    finally:
        work.finish()
        thread.join()
        work.conclude()


def on_terminal(out: Out, what: str) -> AbstractContextManager[None]:
    """As `working`, since the command began, and on a terminal alone.

    Most of a start is imports before this; the log of a server has no lines about it.
    """
    return working(out, what, out.began_ms) if sys.stderr.isatty() else nullcontext()
