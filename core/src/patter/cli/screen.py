"""Shows one call: its lines as they come, and a status line below them; JSON with ``--json``.

The listener only queues; a thread of its own prints, so that a blocked terminal delays no
audio. Numbers are shown as the log would keep them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from patter import env
from patter.cli.out import Out
from patter.cli.stdout import answers
from patter.observe.codec import encode_line
from patter.observe.events import CallEvent
from patter.observe.file_writer import FileWriter, WriteQueue
from patter.observe.lines import WIDTH, TextLine
from patter.observe.redact import Redactor
from patter.observe.view import LiveView

# Tens of events a second at most: enough for a terminal that is stopped for minutes.
WAITING = 5_000
FINISH_S = 5.0
_COLORS = {
    "agent": "green",
    "unheard": "dim",
    "caller": "blue",
    "tool": "yellow",
    "gap": "dim",
    "held": "dim",
    "link": "yellow",
    "dtmf": "blue",
    "error": "red",
    "fix": "red",
    "note": "dim",
}
_CLEAR = "\r\x1b[K"

Message: TypeAlias = tuple[str, Mapping[str, Any]]


@attrs.frozen
class Tick:
    """The call has been ringing, or has lasted, for *ms*."""

    ms: int
    ringing: bool


def can_repaint(out: Out) -> bool:
    """Is *out* a terminal that can move its cursor and is as wide as the lines?"""
    if not (out.live and out.color) or env.read("TERM") in ("", "dumb"):
        return False
    return os.get_terminal_size(answers().fileno()).columns >= WIDTH


@attrs.define(eq=False)
class Screen:
    """Shows one call as its events come; `finish` when there are no more.

    *numbers* are the numbers to be redacted wherever they are shown.
    """

    out: Out
    redactor: Redactor = attrs.field(factory=Redactor)
    numbers: Sequence[str] = ()
    repaint: bool = False
    broken: OSError | None = attrs.field(default=None, init=False)
    _view: LiveView = attrs.field(factory=LiveView, init=False)
    _writer: FileWriter = attrs.field(factory=FileWriter, init=False)
    _ringing: str = attrs.field(default="", init=False)
    _queue: WriteQueue[CallEvent | Message | Tick] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = self._writer.queue(self._show, self._close, WAITING)

    def __call__(self, event: CallEvent) -> None:
        """Take *event*; never waits."""
        self._queue.put(event)

    def say(self, text: str, value: Mapping[str, Any]) -> None:
        """Print a line between those of the call; never waits."""
        self._queue.put((text, value))

    def tick(self, ms: int, *, ringing: bool) -> None:
        """Show how long it rings, or how long the call lasts, where that is repainted."""
        if self.repaint:
            self._queue.put(Tick(ms, ringing))

    async def finish(self) -> None:
        """Wait until all is printed. Raises what printing failed with."""
        await self._writer.finish(self._queue, FINISH_S)
        if self.broken is not None:
            raise self.broken

    def _show(self, items: Sequence[CallEvent | Message | Tick]) -> None:
        if self.broken is not None:
            return
        try:
            self._below("")
            for item in items:
                self._show_one(item)
            self._below(self._ringing or self._view.interim or self._view.status)
        except OSError as gone:
            self.broken = gone

    def _show_one(self, item: CallEvent | Message | Tick) -> None:
        match item:
            case Tick(ms, ringing):
                self._ringing = f" ringing {ms // 1_000} s" if ringing else ""
                self._view.at_ms = max(self._view.at_ms, 0 if ringing else ms)
            case CallEvent():
                self._show_event(item)
            case text, value:
                self._ringing = ""
                self.out.event(text, value)

    def _show_event(self, event: CallEvent) -> None:
        lines = self._view.feed(event)
        if self.out.json:
            self.out.event("", json.loads(self._redacted(encode_line(event).decode())))
        for line in lines if not self.out.json else ():
            self.out.answer(self._painted(line), {})

    def _close(self) -> None:
        self._below("")

    def _below(self, text: str) -> None:
        """Paint *text* over the line below the last; nothing where nothing is repainted."""
        if self.repaint:
            shown = self.out.paint(self._redacted(text)[: WIDTH - 1], "dim")
            answers().write(_CLEAR + (shown if text else ""))
            answers().flush()

    def _painted(self, line: TextLine) -> str:
        text = self._redacted(line.text)
        return self.out.paint(text, _COLORS[line.kind]) if line.kind in _COLORS else text

    def _redacted(self, text: str) -> str:
        return self.redactor.text(text, self.numbers)
