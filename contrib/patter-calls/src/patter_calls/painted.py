"""``list`` and ``show`` as a terminal can have them: a table with sparklines, turns as bars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from patter import env
from patter.cli.out import Out, width_of
from patter.cli.stdout import answers
from patter.observe.events import CallEvent, Turn
from patter.observe.metrics import stage_name
from patter.safe_text import one_line
from patter_calls.pictures import bar, sparkline

if TYPE_CHECKING:
    from rich.console import Console

SPARKS = 100
"""Calls whose latencies are looked up: each costs reading its record."""
BAR = 40
_STYLES = {
    "stt": "blue",
    "end": "cyan",
    "llm": "magenta",
    "tool": "yellow",
    "text": "bright_magenta",
    "tts": "green",
    "wait": "bright_black",
    "play": "bright_green",
}
_OUTCOMES = {"completed": "green", "voicemail": "green", "failed": "red", "live": "bold"}
_RIGHT = frozenset({"DUR", "TURNS", "P95", "COST"})
_OUTCOME = 4


def paints(out: Out) -> bool:
    """Is *out* a terminal that shows tables? A dumb one, and one for reading aloud, has lines."""
    return out.live and env.read("TERM") not in ("", "dumb")


def gaps_of(events: Sequence[CallEvent]) -> list[int]:
    """The response latency of each turn that has one, in milliseconds."""
    latest = {event.turn: event.gap_ms for event in events if isinstance(event, Turn)}
    return [gap for gap in latest.values() if gap is not None]


def show_list(
    out: Out, head: Sequence[str], rows: Sequence[Sequence[str]], gaps: Sequence[Sequence[int]]
) -> None:
    """Print *rows* as a table, with a sparkline of the latencies of each."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*head, "LATENCY"):
        table.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
    for row, latencies in zip_longest(rows, gaps, fillvalue=()):
        cells = [Text(one_line(cell)) for cell in row]
        cells[_OUTCOME].stylize(_OUTCOMES.get(row[_OUTCOME], ""))
        table.add_row(*cells, Text(sparkline(latencies), "blue"))
    _console(out).print(table)


def show_turns(out: Out, events: Sequence[CallEvent]) -> None:
    """Print the turns of a call as bars of their stages, one scale for all."""
    from rich.table import Table
    from rich.text import Text

    turns = {event.turn: event for event in events if isinstance(event, Turn) and event.gap_ms}
    if not turns:
        return
    longest = max(turn.gap_ms or 0 for turn in turns.values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TURN", "MS"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"RESPONSE LATENCY (to {longest} ms)")
    seen: dict[str, None] = {}
    width = max(10, min(BAR, width_of() - 12))
    for number, turn in turns.items():
        drawn = Text()
        for stage, cells in bar(dict(turn.stages), longest, width):
            seen[stage] = None
            drawn.append("█" * cells, _STYLES.get(stage, ""))
        table.add_row(str(number), str(turn.gap_ms), drawn)
    legend = Text("  ").join(Text(stage_name(name), _STYLES.get(name, "")) for name in seen)
    console = _console(out)
    console.print(table)
    console.print(legend)


def _console(out: Out) -> Console:
    from rich.console import Console

    return Console(
        file=answers(), no_color=not out.color, highlight=False, markup=False, emoji=False
    )
