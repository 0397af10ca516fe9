"""What the picture of a call shows, lane by lane, read from its events. Pure: no drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter.observe.events import CallEvent, EventType
from patter.observe.lines import stamp
from patter.observe.metrics import as_printed

LANES = ("caller", "agent", "turn", "stt", "llm", "tool", "tts", "wire")

_TOLD = frozenset({"dtmf", "dtmf_sent", "where", "fault"})
"""Moments that are labelled with what was told, not with what they are."""


def printable(text: str) -> str:
    """*text* without what no picture can hold: control characters, lone surrogates."""
    return "".join(letter for letter in text if letter.isprintable())


@attrs.frozen(kw_only=True)
class Mark:
    """Something drawn: a span on *lane*, or a moment when it has no length.

    *look* names how it is drawn, *teeth* how often it was tried again; *label* is written on
    it where there is room; *title* and *text* describe it to those who cannot see it.
    """

    lane: str
    began_ms: float
    ended_ms: float
    look: str
    title: str = attrs.field(converter=printable)
    text: str = attrs.field(default="", converter=printable)
    label: str = attrs.field(default="", converter=printable)
    teeth: int = 0


@attrs.frozen(kw_only=True)
class Gap:
    """The latency of a turn: *stages* of it in fixed order, at the moment it was over."""

    turn: int
    at_ms: float
    gap_ms: int
    stages: tuple[tuple[str, int], ...]


@attrs.frozen(kw_only=True)
class Call:
    """Everything in the picture."""

    length_ms: float
    marks: tuple[Mark, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[Mark, ...]


def read_call(events: Sequence[CallEvent]) -> Call:
    """Sort *events* into lanes; rows of amended turns replace what they amend."""
    length = max([1_000.0, *(float(event.at_ms) for event in events)])
    rows = _rows(events)
    spoken = [*_caller_marks(rows), *_agent_marks(rows, length)]
    marks = (*spoken, *_turn_marks(events, length), *_span_marks(events), *_wire_marks(events))
    gaps = tuple(_gaps(events))
    length = max([length, *(mark.ended_ms for mark in marks if mark.look != "unheard")])
    return Call(length_ms=length, marks=marks, gaps=gaps, notes=tuple(_notes(events, gaps)))


def _rows(events: Sequence[CallEvent]) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for event in events:
        if event.type is not EventType.ROW:
            continue
        row = {"began_ms": event.at_ms, **event.data}
        if row.get("amends"):
            rows = [each for each in rows if not _same_turn(each, row)]
        rows.append(row)
    return sorted(rows, key=lambda row: row["began_ms"])


def _same_turn(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["role"], one.get("turn")) == (other["role"], other.get("turn"))


def _caller_marks(rows: Sequence[Mapping[str, Any]]) -> list[Mark]:
    return [
        Mark(
            lane="caller",
            began_ms=row["began_ms"],
            ended_ms=row.get("ended_ms", row["began_ms"] + 60 * len(row["text"])),
            look="caller",
            title=f"caller at {stamp(row['began_ms'])}",
            text=row["text"],
            label=row["text"],
        )
        for row in rows
        if row["role"] == "caller"
    ]


def _agent_marks(rows: Sequence[Mapping[str, Any]], length: float) -> list[Mark]:
    agent = [row for row in rows if row["role"] == "agent"]
    marks = []
    for number, row in enumerate(agent, 1):
        following = agent[number]["began_ms"] if number < len(agent) else length
        heard = row["began_ms"] + row.get("heard_ms", 0)
        marks.append(_agent_mark("heard", row["began_ms"], heard, row["text"]))
        if row.get("unheard_ms") or row.get("unheard"):
            ended = heard + (row.get("unheard_ms") or 60 * len(row["unheard"]))
            ended = max(heard, min(ended, following))
            marks.append(_agent_mark("unheard", heard, ended, row.get("unheard", "")))
    return marks


def _agent_mark(look: str, began: float, ended: float, text: str) -> Mark:
    return Mark(
        lane="agent",
        began_ms=began,
        ended_ms=ended,
        look=look,
        title=f"agent, {look}, at {stamp(began)}",
        text=text,
        label=text if look == "heard" else f"unheard: {text}",
    )


_TURN_OF_EFFECT = {
    "Think": "thinking",
    "Say": "thinking",
    "Hold": "hold",
    "Resume": "speaking",
    "Cut": "listening",
}
_TURN_OF_CUE = {"Audible": "speaking", "Heard": "listening"}


def _turn_marks(events: Sequence[CallEvent], length: float) -> list[Mark]:
    """Who owned the turn: listening, hold, thinking, speaking, told by the turn engine."""
    marks, now, since = [], "listening", 0.0
    for event in events:
        if event.type is not EventType.STEP:
            continue
        then = _owner_after(event.data, now)
        if then != now:
            marks += _turn_mark(now, since, event.at_ms)
            now, since = then, float(event.at_ms)
    return [*marks, *_turn_mark(now, since, length)]


def _owner_after(step: Mapping[str, Any], now: str) -> str:
    now = _TURN_OF_CUE.get(step["cue"]["name"], now)
    for effect in step.get("effects", ()):
        now = _TURN_OF_EFFECT.get(effect["name"], now)
    return now


def _turn_mark(owner: str, began: float, ended: float) -> list[Mark]:
    if ended <= began:
        return []
    title = f"{owner} {stamp(began)} to {stamp(ended)}"
    mark = Mark(lane="turn", began_ms=began, ended_ms=ended, look=owner, title=title, label=owner)
    return [mark]


def _span_marks(events: Sequence[CallEvent]) -> list[Mark]:
    return [
        Mark(
            lane=event.data["stage"],
            began_ms=event.data["began_ms"],
            ended_ms=event.data["ended_ms"],
            look="failed" if event.data.get("ok") is False else event.data["stage"],
            title=f"{event.data['stage']} {event.data.get('name', '')}".strip(),
            text=_span_text(event.data),
            label=event.data.get("name", ""),
            teeth=event.data.get("retries", 0),
        )
        for event in events
        if event.type is EventType.SPAN and event.data["stage"] in LANES
    ]


def _span_text(data: Mapping[str, Any]) -> str:
    took = f"{round(data['ended_ms'] - data['began_ms'])} ms"
    retries = f", {data['retries']} retries" if data.get("retries") else ""
    return took + retries + (", failed" if data.get("ok") is False else "")


def _wire_marks(events: Sequence[CallEvent]) -> list[Mark]:
    marks = []
    for event in events:
        if event.type is EventType.WIRE and _is_seen(event.data):
            marks.append(_moment(event.data["what"], event.at_ms, _wire_text(event.data)))
        elif event.type is EventType.LINK and event.data["what"] != "back":
            told = f"{event.data['provider']} {event.data['what']}"
            marks.append(_moment("fault", event.at_ms, told))
    return marks


def _is_seen(data: Mapping[str, Any]) -> bool:
    """Is it worth a mark? That audio was played and that a call is over is seen elsewhere."""
    return (data["what"], data.get("name")) != ("where", "ended") and data["what"] != "played"


def _wire_text(data: Mapping[str, Any]) -> str:
    if "hidden" in data:
        return f"{data['hidden']} hidden"
    if "count" in data:
        return f"{data['count']} sent"
    return str(data.get("digits") or data.get("text") or data.get("name", ""))


def _moment(what: str, at_ms: float, text: str) -> Mark:
    title = f"{what} at {stamp(at_ms)}"
    label = "" if what == "mark" else (text if what in _TOLD else what) or what
    return Mark(
        lane="wire", began_ms=at_ms, ended_ms=at_ms, look=what, title=title, text=text, label=label
    )


def _gaps(events: Sequence[CallEvent]) -> list[Gap]:
    found: dict[int, Gap] = {}
    for event in events:
        data = event.data
        if event.type is EventType.TURN and data.get("gap_ms") is not None:
            stages = tuple(as_printed(data.get("stages") or {}))
            found[data["turn"]] = Gap(
                turn=data["turn"], at_ms=event.at_ms, gap_ms=data["gap_ms"], stages=stages
            )
    return list(found.values())


def _notes(events: Sequence[CallEvent], gaps: Sequence[Gap]) -> list[Mark]:
    """The annotations: barge-ins, errors, transfers, and the slowest turn; nothing else."""
    notes = [note for event in events for note in _note(event)]
    if gaps:
        slowest = max(gaps, key=lambda gap: gap.gap_ms)
        notes.append(_annotation(slowest.at_ms, f"slowest: {slowest.gap_ms} ms", "gap"))
    return notes


def _note(event: CallEvent) -> list[Mark]:
    data = event.data
    if event.type is EventType.BARGE_IN:
        at_ms = data.get("cut_ms", event.at_ms)
        told = ["barge-in"]
        if "evidence_ms" in data and "voice_ms" in data:
            told.append(f"{round(data['evidence_ms'] - data['voice_ms'])} ms of voice")
        told.append(f"cut at {at_ms / 1_000:.2f} s")
        if data.get("error_ms") is not None:
            told[-1] += f" ±{round(data['error_ms'])} ms"
        return [_annotation(at_ms, ", ".join(told), "agent")]
    if event.type is EventType.ERROR:
        return [_annotation(event.at_ms, f"{data['code']}: {data['message']}", "wire")]
    if event.type is EventType.STEP:
        moved = [each for each in data.get("effects", ()) if each["name"] == "TransferCall"]
        return [_annotation(event.at_ms, "transfer", "turn") for _ in moved]
    return []


def _annotation(at_ms: float, text: str, lane: str) -> Mark:
    title = f"note at {stamp(at_ms)}"
    return Mark(
        lane=lane, began_ms=at_ms, ended_ms=at_ms, look="note", title=title, text=text, label=text
    )
