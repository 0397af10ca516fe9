"""A terminal as a text session uses it: lines are read beside the loop, and written beside it.

A reader that is told to stop leaves what was not typed to whoever reads next; a terminal that is
stopped holds up nobody but the thread that writes.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
from collections.abc import AsyncIterator
from typing import TextIO

import attrs

from patter.observe.file_writer import FileWriter, WriteQueue
from patter.safe_text import some_lines
from patter.threads import POOL

POLL_S = 0.1
"""How soon a reader notices that it is to stop."""
LINE_MAX = 8_000
"""Bytes of a line; a longer one comes in pieces."""
WAITING, FINISH_S = 5_000, 5.0


@attrs.define(eq=False)
class Terminal:
    """Reads lines of *source* and writes to *sink*; None is the process's own.

    On a terminal each wait for a line begins with *prompt*.
    """

    source: TextIO | None = None
    sink: TextIO | None = None
    prompt: str = "you      "
    _reader: LineReader = attrs.field(init=False)
    _writer: FileWriter = attrs.field(factory=lambda: FileWriter("patter-terminal"), init=False)
    _queue: WriteQueue[str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = LineReader(self.source or sys.stdin)
        self._queue = self._writer.queue(self._write, lambda: None, WAITING)

    @property
    def interactive(self) -> bool:
        """Does a person type at one end, and read at the other?"""
        ends = (self._reader.source, self.sink or sys.stdout)
        return all(not each.closed and each.isatty() for each in ends)

    async def lines(self) -> AsyncIterator[str]:
        """The lines that are typed, without their ends, until there are no more."""
        loop, threads = asyncio.get_running_loop(), POOL.of(self._owner)
        try:
            while True:
                self._ask()
                line = await loop.run_in_executor(threads, self._reader.read)
                if line is None:
                    return
                yield line
        finally:
            self._reader.stop()

    def show(self, *lines: str) -> None:
        """Print *lines*; never waits. A prompt that is there is printed again below them."""
        if not lines:
            return
        clear = "\r\x1b[K" if self.interactive else ""
        self._put(clear + "".join(f"{some_lines(line)}\n" for line in lines))
        self._ask()

    async def finish(self) -> None:
        """Wait until all is printed, for `FINISH_S` at most, and nobody reads any more."""
        self._reader.stop()
        await asyncio.get_running_loop().run_in_executor(POOL.of(self._owner), self._reader.leave)
        await self._writer.finish(self._queue, FINISH_S)

    @property
    def _owner(self) -> str:
        return f"terminal-{id(self)}"

    def _ask(self) -> None:
        if self.interactive and not self._reader.stopped:
            self._put(f"\r\x1b[K{self.prompt}")

    def _put(self, text: str) -> None:
        self._queue.put(text)
        self._writer.wake()

    def _write(self, texts: list[str]) -> None:
        sink = self.sink or sys.stdout
        sink.write("".join(texts))
        sink.flush()


@attrs.define(eq=False)
class LineReader:
    """Reads one line after another of *source*, in a thread; `stop` ends a read that waits.

    What cannot be waited for, such as text in memory, is read as it is.
    """

    source: TextIO
    _rest: bytes = attrs.field(default=b"", init=False)
    _over: bool = attrs.field(default=False, init=False)
    _stop: threading.Event = attrs.field(factory=threading.Event, init=False)
    _reading: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Let a read that waits return None, within `POLL_S`; later ones do at once."""
        self._stop.set()

    def leave(self) -> None:
        """Wait until no read is under way, for a few `POLL_S`: what comes then is for others."""
        if self._reading.acquire(timeout=5 * POLL_S):
            self._reading.release()

    def read(self) -> str | None:
        """The next line without its end; None when there is none, or it is to stop."""
        with self._reading:
            return None if self.stopped else self._next()

    def _next(self) -> str | None:
        if (descriptor := self._descriptor()) is None:
            line = self.source.readline()
            return line.rstrip("\r\n") if line else None
        while not self._over and b"\n" not in self._rest and len(self._rest) < LINE_MAX:
            if self.stopped:
                return None
            self._fill(descriptor)
        return self._cut()

    def _fill(self, descriptor: int) -> None:
        """Take what there is of the next line; a terminal that is gone has no more."""
        try:
            if not select.select([descriptor], [], [], POLL_S)[0]:
                return
            more = os.read(descriptor, LINE_MAX)
        except (OSError, ValueError):
            more = b""
        self._rest += more
        self._over = not more

    def _cut(self) -> str | None:
        if self._over and not self._rest:
            return None
        line, ended, rest = self._rest.partition(b"\n")
        if not ended and not self._over:
            line, rest = self._rest[:LINE_MAX], self._rest[LINE_MAX:]
        self._rest = rest
        return line.decode("utf-8", "replace").rstrip("\r")

    def _descriptor(self) -> int | None:
        # Windows waits for sockets alone.
        if sys.platform == "win32":
            return None
        try:
            return self.source.fileno()
        except (OSError, ValueError, AttributeError):
            return None
