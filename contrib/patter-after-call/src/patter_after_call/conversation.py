"""A recorded call as the text that a model reads, and its figures. Pure, and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.observe.events import CallEvent, Row, ToolRun

CHARS_MOST = 24_000
"""Characters of a conversation that a model is shown: an hour of brisk talk has more."""
LINE_MOST = 1_000
CUT = "[... {count} lines are left out ...]"
FIGURES = (
    *("outcome", "reason", "duration_ms", "turns"),
    *("started_at", "caller", "callee", "direction"),
)


def conversation(events: Iterable[CallEvent]) -> str:
    """Who said what, a line each; of a long call the middle is left out."""
    rows: dict[tuple[str, int | None, int], str] = {}
    for event in events:
        match event:
            case Row(role="caller", turn=turn):
                rows[("caller", turn, 0)] = f"caller: {event.text}"
            case Row(role="agent") if event.text:
                rows[("agent", event.turn, event.seq)] = f"agent: {event.text}"
            case ToolRun(what="finished"):
                ok = "" if event.ok else " failed"
                rows[("tool", None, event.seq)] = f"tool {event.name}{ok}: {event.result}"
    return "\n".join(_within([line[:LINE_MOST] for line in rows.values()]))


def figures(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What of a call's metadata goes with a result."""
    return {name: metadata[name] for name in FIGURES if name in metadata}


def _within(lines: list[str]) -> list[str]:
    """The beginning and the end of *lines*, as many as there is room for."""
    if sum(map(len, lines)) <= CHARS_MOST:
        return lines
    head, tail = _some(lines), list(reversed(_some(reversed(lines))))
    count = len(lines) - len(head) - len(tail)
    return [*head, CUT.format(count=count), *tail]


def _some(lines: Iterable[str]) -> list[str]:
    kept, room = list[str](), CHARS_MOST // 2
    for line in lines:
        room -= len(line)
        if room < 0:
            return kept
        kept.append(line)
    return kept
