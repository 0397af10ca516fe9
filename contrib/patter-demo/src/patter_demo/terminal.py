"""The live view of a call on a terminal: painted there, plain in a pipe, JSON if asked for.

A call's listener that only queues; a thread of its own prints, so that a terminal which
stands still delays nobody's words.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import attrs
import orjson

from patter.cli.out import Out
from patter.observe.codec import encode_line
from patter.observe.events import CallEvent
from patter.observe.file_writer import FileWriter, WriteQueue
from patter.observe.view import LiveView

if TYPE_CHECKING:
    from rich.live import Live

WAITING = 5_000
FINISH_S = 5.0
STYLES = {
    "agent": "green",
    "unheard": "dim strike",
    "caller": "cyan",
    "tool": "yellow",
    "gap": "dim",
    "held": "dim",
    "link": "yellow",
    "dtmf": "cyan",
    "error": "bold red",
    "fix": "red",
    "note": "dim",
}


class Printer(Protocol):
    """Prints what happens; runs on the printing thread alone."""

    def show(self, events: Sequence[CallEvent]) -> None: ...

    def tick(self, at_ms: int) -> None: ...

    def close(self) -> None: ...


@attrs.define(eq=False)
class JsonLines:
    """One event a line."""

    out: Out

    def show(self, events: Sequence[CallEvent]) -> None:
        for event in events:
            self.out.event("", orjson.loads(encode_line(event)))

    def tick(self, at_ms: int) -> None:
        """JSON has no status line."""

    def close(self) -> None:
        """Every line is complete."""


@attrs.define(eq=False)
class PlainLines:
    """The lines of the view; no colour, no repainting, no interims."""

    out: Out
    _view: LiveView = attrs.field(factory=LiveView, init=False)

    def show(self, events: Sequence[CallEvent]) -> None:
        for event in events:
            for line in self._view.feed(event):
                self.out.answer(str(line), {})

    def tick(self, at_ms: int) -> None:
        """Plain lines have no status line."""

    def close(self) -> None:
        """Every line is complete."""


@attrs.define(eq=False)
class PaintedLines:
    """Lines in colour; below them what is being said, and who speaks, painted over."""

    _live: Live
    _view: LiveView = attrs.field(factory=LiveView, init=False)

    @classmethod
    def begin(cls) -> PaintedLines:
        """Take the terminal."""
        from rich.console import Console
        from rich.live import Live

        console = Console(file=sys.stdout, highlight=False)
        live = Live(console=console, auto_refresh=False, transient=True)
        live.start()
        return cls(live)

    def show(self, events: Sequence[CallEvent]) -> None:
        from rich.text import Text

        for event in events:
            for line in self._view.feed(event):
                self._live.console.print(Text(line.text, STYLES.get(line.kind, "")))
        self._repaint()

    def tick(self, at_ms: int) -> None:
        self._view.at_ms = max(self._view.at_ms, at_ms)
        self._repaint()

    def close(self) -> None:
        self._live.stop()

    def _repaint(self) -> None:
        from rich.text import Text

        below = Text(self._view.interim, "dim italic") if self._view.interim else Text("")
        below.append(f"\n{self._view.status}" if below else self._view.status, "dim")
        self._live.update(below, refresh=True)


@attrs.define(eq=False)
class Screen:
    """Shows one call as its events come; `finish` when there are no more."""

    printer: Printer
    broken: OSError | None = attrs.field(default=None, init=False)
    _writer: FileWriter = attrs.field(factory=FileWriter, init=False)
    _queue: WriteQueue[CallEvent | int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = self._writer.queue(self._print, self._close, WAITING)

    @classmethod
    def on(cls, out: Out) -> Screen:
        """The screen that *out* and the terminal ask for."""
        return cls(_printer(out))

    def __call__(self, event: CallEvent) -> None:
        """Take *event*; never waits."""
        self._queue.put(event)

    def tick(self, at_ms: int) -> None:
        """The call's clock stands at *at_ms*."""
        self._queue.put(at_ms)

    async def finish(self) -> None:
        """Wait until all is printed. Raises what printing failed with."""
        await self._writer.finish(self._queue, FINISH_S)
        if self.broken is not None:
            raise self.broken

    def _print(self, items: Sequence[CallEvent | int]) -> None:
        if self.broken is not None:
            return
        try:
            self.printer.show([each for each in items if isinstance(each, CallEvent)])
            if ticks := [each for each in items if isinstance(each, int)]:
                self.printer.tick(ticks[-1])
        except OSError as gone:
            self.broken = gone

    def _close(self) -> None:
        self.printer.close()


def _printer(out: Out) -> Printer:
    if out.json:
        return JsonLines(out)
    if out.live and out.color and _can_repaint():
        return PaintedLines.begin()
    return PlainLines(out)


def _can_repaint() -> bool:
    """Does the terminal move its cursor, and is it as wide as the lines?"""
    from patter.env import read
    from patter.observe.lines import WIDTH

    return read("TERM") not in ("", "dumb") and os.get_terminal_size().columns >= WIDTH
