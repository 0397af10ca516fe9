"""One line, or a few, for each thing that happens in a call: plain text of 80 columns. Pure.

No colour: what a line is about is its *kind*, so that terminal and page may add theirs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import attrs

from patter.observe.events import (
    BargeIn,
    Ended,
    ErrorEvent,
    Link,
    Resumed,
    Row,
    ToolRun,
    Turn,
    Wire,
)
from patter.observe.metrics import as_printed, stage_name
from patter.safe_text import one_line
from patter.text.keys import key_text

WIDTH = 80
_TEXT_AT = 17
_SUM_AT = 8
_LETTERS = {
    "stt": "s",
    "end": "e",
    "llm": "l",
    "tool": "o",
    "text": "x",
    "tts": "t",
    "wait": "w",
    "play": "p",
}
MS_PER_LETTER = 50
_PLACES = {"hold": "on hold", "human": "with a human", "agent": "back with the agent"}
"""Where a caller has gone; that a call is over, its figures tell."""


@attrs.frozen
class TextLine:
    """A printed line and what it is about.

    *kind* is one of ``agent unheard caller tool gap held link dtmf error fix note``.
    """

    kind: str
    text: str
    turn: int | None = None

    def __str__(self) -> str:
        return self.text


def stamp(at_ms: float) -> str:
    """Minutes, seconds and tenths; cut, not rounded, so that it never runs ahead.

    >>> stamp(2_790), stamp(61_040)
    ('0:02.7', '1:01.0')
    """
    tenths = int(at_ms) // 100
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def labelled(
    kind: str, label: str, text: str, *, at_ms: float | None = None, turn: int | None = None
) -> list[TextLine]:
    """*text* under its *label*, wrapped; with *at_ms*, stamped. Control characters are escaped."""
    when = "" if at_ms is None else stamp(at_ms)
    first = f"{when:>7} {label:<8} "
    parts = textwrap.wrap(one_line(" ".join(text.split())), WIDTH - _TEXT_AT) or [""]
    indents = [first, *(" " * _TEXT_AT for _ in parts[1:])]
    return [
        TextLine(kind, f"{indent}{part}".rstrip(), turn)
        for indent, part in zip(indents, parts, strict=True)
    ]


def caller(row: Row, at_ms: float, cut: BargeIn | None) -> list[TextLine]:
    """What the caller said, and where that stopped the agent, if it did."""
    lines = labelled("caller", "caller", row.text, at_ms=at_ms, turn=row.turn)
    notes = [_cut_note(cut)] if cut else []
    if row.amends:
        notes.append("(goes on)")
    return _appended(lines, "  ".join(notes)) if notes else lines


def agent(row: Row, at_ms: float) -> list[TextLine]:
    """What was heard of the agent, then what was not."""
    lines = []
    unheard_at_ms: float | None = at_ms
    if row.text or not row.unheard:
        lines += labelled("agent", "agent", row.text, at_ms=at_ms, turn=row.turn)
        unheard_at_ms = None
    if row.unheard:
        lines += labelled("unheard", "unheard", row.unheard, at_ms=unheard_at_ms, turn=row.turn)
    return lines


def tool(run: ToolRun) -> list[TextLine]:
    """A tool call with its arguments, effect, result and time; finished ones only."""
    result = f"failed: {run.result}" if run.ok is False else _quoted(run.result)
    effect = f" {run.effect}" if run.effect else ""
    text = f"{run.name}({_arguments(run.arguments)}){effect} -> {result}"
    lines = labelled("tool", "tool", text)
    return lines if run.took_ms is None else _appended(lines, f"{run.took_ms} ms", "   ")


def gap(turn: Turn) -> list[TextLine]:
    """The latency of a turn: a sum that holds, and its waterfall where 80 columns allow."""
    parts = as_printed(turn.stages)
    lines = _summed(f"latency {turn.gap_ms}", [f"{stage_name(stage)} {ms}" for stage, ms in parts])
    drawn = f"{lines[-1]}  {waterfall(parts)}".rstrip()
    if len(drawn) <= WIDTH:
        lines[-1] = drawn
    return [TextLine("gap", line, turn.turn) for line in lines]


def waterfall(parts: Sequence[tuple[str, int]]) -> str:
    """A letter for every 50 ms of a stage: s e l, o (tool), x (text), t, p.

    >>> waterfall([("stt", 310), ("end", 120), ("llm", 2), ("tts", 196), ("play", 12)])
    'sssssseetttt'
    """
    return "".join(_LETTERS[stage] * round(ms / MS_PER_LETTER) for stage, ms in parts)


def held(event: Resumed) -> list[TextLine]:
    """A false barge-in."""
    return [TextLine("held", f"        held {event.held_ms} ms, resumed, nothing lost")]


def wire(event: Wire) -> list[TextLine]:
    """Keys, faults, where the caller is, a media leg that went or came; marks have no line."""
    at_ms = event.at_ms
    match event.what:
        case "dtmf":
            return labelled("dtmf", "caller", key_text(event.digits, event.hidden), at_ms=at_ms)
        case "dtmf_sent":
            return labelled("dtmf", "agent", key_text(f"{event.count} sent"), at_ms=at_ms)
        case "where" if event.name in _PLACES:
            return labelled("note", "caller", f"[{_PLACES[event.name]}]", at_ms=at_ms)
        case "fault":
            return labelled("link", "fault", event.text, at_ms=at_ms)
        case "error":
            return labelled("link", "carrier", f"{event.name} {event.text}".strip(), at_ms=at_ms)
        case "leg_lost" | "leg_back":
            return [TextLine("link", "        link media " + event.what.removeprefix("leg_"))]
    return []


def link(event: Link) -> list[TextLine]:
    """A provider's connection that is back, or is gone for good."""
    if event.what == "lost":
        return []
    text = f"link {event.provider} {'lost' if event.what == 'back' else event.what}"
    if event.gap_ms is not None:
        text += f" {seconds(event.gap_ms)}"
    if event.replayed_ms is not None:
        text += f", {seconds(event.replayed_ms)} replayed"
    return [TextLine("link", f"        {text}")]


def error(event: ErrorEvent) -> list[TextLine]:
    """What went wrong, and what to do about it."""
    lines = labelled("error", "error", f"{event.code} {event.message}")
    return lines + (labelled("fix", "fix", event.fix) if event.fix else [])


def footer(ended: Ended) -> list[str]:
    """The figures of a call that is over; wrapped when they are too long for one line."""
    parts = [f"turns {ended.turns}"]
    if ended.gap_p50_ms is not None:
        parts.append(f"latency p50 {ended.gap_p50_ms} p95 {ended.gap_p95_ms} ms")
    heard = seconds(ended.heard_ms), seconds(ended.unheard_ms)
    parts += [f"heard {heard[0]}  unheard {heard[1]}", f"cost {money(ended)}"]
    return textwrap.wrap(" " + "  ".join(parts), WIDTH, subsequent_indent=" ")


def money(ended: Ended) -> str:
    """Dollars, or what is missing to know them; never $0 for an unknown."""
    if ended.cost_usd is not None:
        return f"${ended.cost_usd:.3f}"
    missing = ", ".join(ended.unpriced)
    return f"unknown ({missing} unpriced)" if missing else "unknown"


def seconds(ms: float) -> str:
    """Write *ms* milliseconds as seconds and tenths.

    >>> seconds(21_430)
    '21.4 s'
    """
    return f"{ms / 1_000:.1f} s"


def _summed(total: str, terms: Sequence[str]) -> list[str]:
    """A sum on as many lines as it needs; a later one begins with its plus."""
    lines = [" " * _SUM_AT + " = ".join([total, *terms[:1]])]
    for term in terms[1:]:
        if len(lines[-1]) + len(f" + {term}") > WIDTH:
            lines.append(" " * (_SUM_AT + len(total)))
        lines[-1] += f" + {term}"
    return lines


def _cut_note(cut: BargeIn) -> str:
    where = f"interrupted at {cut.cut_ms / 1_000:.2f} s"
    return where if cut.error_ms is None else f"{where} +-{cut.error_ms} ms"


def _appended(lines: list[TextLine], note: str, space: str = "    ") -> list[TextLine]:
    """*lines* with *note* at the end of the last, or below it when that is full."""
    last = lines[-1]
    joined = f"{last.text}{space}{note}"
    if len(joined) <= WIDTH:
        return [*lines[:-1], attrs.evolve(last, text=joined)]
    return [*lines, TextLine(last.kind, " " * _TEXT_AT + note, last.turn)]


def _arguments(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in arguments.items())


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
