"""One line, or a few, for each thing that happens in a call: plain text of 80 columns. Pure.

No colour: what a line is about is its *kind*, so that terminal and page may add theirs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter.observe.metrics import as_printed

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
    "play": "p",
}
MS_PER_LETTER = 50
_PLACES = {"hold": "on hold", "human": "with a human", "agent": "back with the agent"}
"""Where a caller has gone; that a call is over, its figures tell."""


@attrs.frozen
class Line:
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
) -> list[Line]:
    """*text* under its *label*, wrapped; with *at_ms*, stamped."""
    when = "" if at_ms is None else stamp(at_ms)
    first = f"{when:>7} {label:<8} "
    parts = textwrap.wrap(" ".join(text.split()), WIDTH - _TEXT_AT) or [""]
    indents = [first, *(" " * _TEXT_AT for _ in parts[1:])]
    return [
        Line(kind, f"{indent}{part}".rstrip(), turn)
        for indent, part in zip(indents, parts, strict=True)
    ]


def caller(row: Mapping[str, Any], at_ms: float, cut: Mapping[str, Any] | None) -> list[Line]:
    """What the caller said, and where that stopped the agent, if it did."""
    said = labelled("caller", "caller", row["text"], at_ms=at_ms, turn=row.get("turn"))
    notes = [_cut_note(cut)] if cut else []
    if row.get("amends"):
        notes.append("(goes on)")
    return _appended(said, "  ".join(notes)) if notes else said


def agent(row: Mapping[str, Any], at_ms: float) -> list[Line]:
    """What was heard of the agent, then what was not."""
    turn = row.get("turn")
    lines = []
    if row["text"] or not row.get("unheard"):
        lines += labelled("agent", "agent", row["text"], at_ms=at_ms, turn=turn)
        at_ms_left = None
    else:
        at_ms_left = at_ms
    if row.get("unheard"):
        lines += labelled("unheard", "unheard", row["unheard"], at_ms=at_ms_left, turn=turn)
    return lines


def tool(data: Mapping[str, Any]) -> list[Line]:
    """A tool call with its arguments, effect, result and time; finished ones only."""
    result = _quoted(data["result"]) if data.get("ok", True) else f"failed: {data.get('result')}"
    effect = f" {data['effect']}" if data.get("effect") else ""
    took = f"   {round(data['took_ms'])} ms" if data.get("took_ms") is not None else ""
    text = f"{data['name']}({_arguments(data.get('arguments'))}){effect} -> {result}"
    return (
        _appended(labelled("tool", "tool", text), took.strip(), "   ")
        if took
        else labelled("tool", "tool", text)
    )


def gap(data: Mapping[str, Any]) -> list[Line]:
    """The latency of a turn: a sum that holds, and its waterfall where 80 columns allow."""
    found = as_printed(data.get("stages") or {})
    lines = _summed(f"gap {data['gap_ms']}", [f"{stage} {ms}" for stage, ms in found])
    drawn = f"{lines[-1]}  {waterfall(found)}".rstrip()
    if len(drawn) <= WIDTH:
        lines[-1] = drawn
    return [Line("gap", line, data.get("turn")) for line in lines]


def waterfall(found: Sequence[tuple[str, int]]) -> str:
    """A letter for every 50 ms of a stage: s e l, o (tool), x (text), t, p.

    >>> waterfall([("stt", 310), ("end", 120), ("llm", 2), ("tts", 196), ("play", 12)])
    'sssssseetttt'
    """
    return "".join(_LETTERS[stage] * round(ms / MS_PER_LETTER) for stage, ms in found)


def held(data: Mapping[str, Any]) -> list[Line]:
    """A false barge-in."""
    return [Line("held", f"        held {round(data['held_ms'])} ms, resumed, nothing lost")]


def wire(data: Mapping[str, Any], at_ms: float) -> list[Line]:
    """Keys, faults, where the caller is, a media leg that went or came; marks have no line."""
    what = data.get("what")
    if what == "dtmf":
        keys = data["digits"] if "hidden" not in data else f"{data['hidden']} hidden"
        return labelled("dtmf", "caller", f"[DTMF: {keys}]", at_ms=at_ms)
    if what == "dtmf_sent":
        return labelled("dtmf", "agent", f"[DTMF: {data['count']} sent]", at_ms=at_ms)
    if what == "where" and data["name"] in _PLACES:
        return labelled("note", "caller", f"[{_PLACES[data['name']]}]", at_ms=at_ms)
    if what == "fault":
        return labelled("link", "fault", str(data.get("text", "")), at_ms=at_ms)
    if what in ("leg_lost", "leg_back"):
        return [Line("link", "        link media " + what.removeprefix("leg_"))]
    return []


def link(data: Mapping[str, Any]) -> list[Line]:
    """A provider's connection that is back, or is gone for good."""
    if data["what"] == "lost":
        return []
    text = f"link {data['provider']} {'lost' if data['what'] == 'back' else data['what']}"
    if data.get("gap_ms") is not None:
        text += f" {seconds(data['gap_ms'])}"
    if data.get("replayed_ms") is not None:
        text += f", {seconds(data['replayed_ms'])} replayed"
    return [Line("link", f"        {text}")]


def error(data: Mapping[str, Any]) -> list[Line]:
    """What went wrong, and what to do about it."""
    lines = labelled("error", "error", f"{data['code']} {data['message']}")
    return lines + (labelled("fix", "fix", data["fix"]) if data.get("fix") else [])


def footer(ended: Mapping[str, Any]) -> list[str]:
    """The figures of a call that is over; wrapped when they are too long for one line."""
    p50, p95 = ended.get("gap_p50_ms"), ended.get("gap_p95_ms")
    parts = [f"turns {ended.get('turns', 0)}"]
    if p50 is not None:
        parts.append(f"gap p50 {p50} p95 {p95} ms")
    heard = seconds(ended.get("heard_ms", 0)), seconds(ended.get("unheard_ms", 0))
    parts += [f"heard {heard[0]}  unheard {heard[1]}", f"cost {money(ended)}"]
    return textwrap.wrap(" " + "   ".join(parts), WIDTH, subsequent_indent=" ")


def money(ended: Mapping[str, Any]) -> str:
    """Dollars, or what is missing to know them; never $0 for an unknown."""
    usd = ended.get("cost_usd")
    if usd is not None:
        return f"${usd:.3f}"
    missing = ", ".join(ended.get("unpriced") or ())
    return f"unknown ({missing} unpriced)" if missing else "unknown"


def seconds(ms: float) -> str:
    """
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


def _cut_note(cut: Mapping[str, Any]) -> str:
    where = f"cut agent at {cut['cut_ms'] / 1_000:.2f} s"
    error_ms = cut.get("error_ms")
    return f"{where} +-{round(error_ms)} ms" if error_ms is not None else where


def _appended(lines: list[Line], note: str, space: str = "    ") -> list[Line]:
    """*lines* with *note* at the end of the last, or below it when that is full."""
    last = lines[-1]
    joined = f"{last.text}{space}{note}"
    if len(joined) <= WIDTH:
        return [*lines[:-1], attrs.evolve(last, text=joined)]
    return [*lines, Line(last.kind, " " * _TEXT_AT + note, last.turn)]


def _arguments(arguments: object) -> str:
    if isinstance(arguments, Mapping):
        return ", ".join(f"{name}={_quoted(value)}" for name, value in arguments.items())
    return "" if arguments is None else str(arguments)


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
