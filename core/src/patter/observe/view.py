"""The live view of a call, folded from its events: the same for terminal, page and tests.

Pure. `feed` returns the lines to print now, `lines` those of the whole call with amended rows
in place; neither ever holds a line over 80 columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.observe import lines as say
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Link,
    Resumed,
    Row,
    ToolRun,
    Turn,
    Wire,
)
from patter.observe.lines import WIDTH, TextLine
from patter.safe_text import one_line

_INTERIM = "(interim)"


@attrs.define(eq=False)
class LiveView:
    """What there is to see of one call so far."""

    at_ms: int = 0
    speaking: str = "nobody"
    _blocks: list[tuple[int | None, list[TextLine]]] = attrs.field(factory=list)
    _interim: str = ""
    _interim_ms: int = 0
    _cut: BargeIn | None = None
    _cut_shown: dict[int | None, BargeIn] = attrs.field(factory=dict)
    _ended: Ended | None = None

    def feed(self, event: CallEvent) -> list[TextLine]:
        """Take *event*; the new lines, often none."""
        self.at_ms = max(self.at_ms, event.at_ms)
        new = self._lines_of(event)
        if new:
            self._place(event, new)
        return new

    @property
    def lines(self) -> list[TextLine]:
        """Every line so far; an amended turn stands where it stood first."""
        return [line for _, block in self._blocks for line in block]

    @property
    def interim(self) -> str:
        """What the caller is saying, not yet final: one line to repaint; empty if nothing."""
        if not self._interim:
            return ""
        head = f"{say.stamp(self._interim_ms):>7} {'caller':<8} "
        room = WIDTH - len(head) - len(_INTERIM) - 1
        heard = one_line(self._interim)
        words = heard if len(heard) <= room else "..." + heard[3 - room :]
        return f"{head}{words:<{room}} {_INTERIM}"

    @property
    def status(self) -> str:
        """Who speaks, and how long the call lasts."""
        total = self.at_ms // 1_000
        return f" speaking: {self.speaking} | {total // 60}:{total % 60:02}"

    @property
    def footer(self) -> list[str]:
        """The figures at the end; none before it."""
        return [] if self._ended is None else say.footer(self._ended)

    def _lines_of(self, event: CallEvent) -> list[TextLine]:
        match event:
            case Row():
                return self._row(event)
            case Turn() if event.gap_ms is not None:
                return say.gap(event)
            case ToolRun(what="finished"):
                return say.tool(event)
            case Resumed():
                return say.held(event)
            case Wire():
                return say.wire(event)
            case Link():
                return say.link(event)
            case ErrorEvent():
                return say.error(event)
        self._silently(event)
        return []

    def _silently(self, event: CallEvent) -> None:
        """What changes the status line, or a later line, and has none of its own."""
        match event:
            case EngineStep():
                self._step(event.at_ms, event.input)
            case BargeIn():
                self._cut = event
            case Ended():
                self._ended, self.speaking, self._interim = event, "nobody", ""

    def _row(self, row: Row) -> list[TextLine]:
        if row.role == "agent":
            return say.agent(row, row.start_ms)
        if row.role != "caller":
            return []
        self._interim = ""
        cut = self._cut or (self._cut_shown.get(row.turn) if row.amends else None)
        self._cut = None
        if cut is not None:
            self._cut_shown[row.turn] = cut
        return say.caller(row, row.start_ms, cut)

    def _place(self, event: CallEvent, new: list[TextLine]) -> None:
        row = event if isinstance(event, Row) and event.role == "caller" else None
        turn = row.turn if row else None
        if row and row.amends and turn is not None:
            for i, (shown, _) in enumerate(self._blocks):
                if shown == turn:
                    self._blocks[i] = (turn, new)
                    return
        self._blocks.append((turn, new))

    def _step(self, at_ms: int, event: Mapping[str, Any]) -> None:
        fields = event.get("fields", {})
        match event["name"]:
            case "VoiceStarted":
                self.speaking = "caller"
                self._interim_ms = fields.get("began_ms", at_ms)
            case "VoiceStopped" if self.speaking == "caller":
                self.speaking = "nobody"
            case "Audible":
                self.speaking = "agent"
            case "Heard" if self.speaking == "agent":
                self.speaking = "nobody"
            case "CallerWords":
                self._interim = "" if fields.get("final") else fields.get("text", "")
            case _:
                pass


def view(events: Iterable[CallEvent]) -> list[str]:
    """The whole view of a call that is over, footer included, a string a line."""
    live = LiveView()
    for event in events:
        live.feed(event)
    return [*map(str, live.lines), *live.footer]
