"""The live view of a call, folded from its events: the same for terminal, page and tests.

Pure. `feed` tells the lines to print now, `lines` those of the whole call with amended rows
in place; neither ever holds a line over 80 columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.observe import lines as say
from patter.observe.events import CallEvent, EventType
from patter.observe.lines import WIDTH, Line

_INTERIM = "(interim)"


@attrs.define(eq=False)
class LiveView:
    """What there is to see of one call so far."""

    at_ms: int = 0
    speaking: str = "nobody"
    _blocks: list[tuple[int | None, list[Line]]] = attrs.field(factory=list)
    _interim: str = ""
    _interim_ms: int = 0
    _cut: Mapping[str, Any] | None = None
    _cut_shown: dict[int, Mapping[str, Any]] = attrs.field(factory=dict)
    _ended: Mapping[str, Any] | None = None

    def feed(self, event: CallEvent) -> list[Line]:
        """Take *event*; the new lines, often none."""
        self.at_ms = max(self.at_ms, event.at_ms)
        new = self._told(event)
        if new:
            self._place(event, new)
        return new

    @property
    def lines(self) -> list[Line]:
        """Every line so far; an amended turn stands where it stood first."""
        return [line for _, block in self._blocks for line in block]

    @property
    def interim(self) -> str:
        """What the caller is saying, not yet final: one line to repaint; empty if nothing."""
        if not self._interim:
            return ""
        head = f"{say.stamp(self._interim_ms):>7} {'caller':<8} "
        room = WIDTH - len(head) - len(_INTERIM) - 1
        words = self._interim if len(self._interim) <= room else "..." + self._interim[3 - room :]
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

    def _told(self, event: CallEvent) -> list[Line]:
        data = event.data
        match event.type:
            case EventType.ROW:
                return self._row(event.at_ms, data)
            case EventType.TURN:
                return say.gap(data) if data.get("gap_ms") is not None else []
            case EventType.TOOL:
                return say.tool(data) if data["what"] == "finished" else []
            case EventType.RESUMED:
                return say.held(data)
            case EventType.WIRE:
                return say.wire(data, event.at_ms)
            case EventType.LINK:
                return say.link(data)
            case EventType.ERROR:
                return say.error(data)
            case _:
                self._silently(event)
                return []

    def _silently(self, event: CallEvent) -> None:
        """What changes the status line, or a later line, and has none of its own."""
        if event.type is EventType.STEP:
            self._step(event.at_ms, event.data["cue"])
        elif event.type is EventType.BARGE_IN:
            self._cut = event.data
        elif event.type is EventType.ENDED:
            self._ended, self.speaking, self._interim = event.data, "nobody", ""

    def _row(self, at_ms: int, row: Mapping[str, Any]) -> list[Line]:
        began_ms = row.get("began_ms", at_ms)
        if row["role"] == "caller":
            self._interim = ""
            turn = row.get("turn", -1)
            cut = self._cut or (self._cut_shown.get(turn) if row.get("amends") else None)
            self._cut = None
            if cut is not None:
                self._cut_shown[turn] = cut
            return say.caller(row, began_ms, cut)
        if row["role"] == "agent":
            return say.agent(row, began_ms)
        return []

    def _place(self, event: CallEvent, new: list[Line]) -> None:
        data = event.data
        caller = event.type is EventType.ROW and data["role"] == "caller"
        turn = data.get("turn") if caller else None
        if caller and data.get("amends"):
            for i, (known, _) in enumerate(self._blocks):
                if known is not None and known == turn:
                    self._blocks[i] = (turn, new)
                    return
        self._blocks.append((turn, new))

    def _step(self, at_ms: int, cue: Mapping[str, Any]) -> None:
        fields = cue.get("fields", {})
        match cue["name"]:
            case "VoiceStarted":
                self.speaking = "caller"
                self._interim_ms = fields.get("began_ms", at_ms)
            case "VoiceStopped" if self.speaking == "caller":
                self.speaking = "nobody"
            case "Audible":
                self.speaking = "agent"
            case "Heard" if self.speaking == "agent":
                self.speaking = "nobody"
            case "Transcript":
                self._interim = "" if fields.get("final") else fields.get("text", "")
            case _:
                pass


def view(events: Iterable[CallEvent]) -> list[str]:
    """The whole view of a call that is over, footer included, a string a line."""
    live = LiveView()
    for event in events:
        live.feed(event)
    return [*map(str, live.lines), *live.footer]
