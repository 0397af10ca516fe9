"""What the picture of a call shows, lane by lane, read from its events. Pure: no drawing."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from patter.observe.events import (
    BargeIn,
    CallEvent,
    EngineStep,
    ErrorEvent,
    Link,
    Row,
    Span,
    Turn,
    Wire,
)
from patter.observe.lines import stamp
from patter.observe.metrics import as_printed

LANES = ("caller", "agent", "turn", "stt", "llm", "tool", "tts", "wire")

_CONTENT_LABELS = frozenset({"dtmf", "dtmf_sent", "where", "fault"})
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


def _rows(events: Sequence[CallEvent]) -> list[Row]:
    rows: list[Row] = []
    for event in events:
        if not isinstance(event, Row):
            continue
        if event.amends:
            rows = [each for each in rows if not _same_turn(each, event)]
        rows.append(event)
    return sorted(rows, key=lambda row: row.start_ms)


def _same_turn(one: Row, other: Row) -> bool:
    return (one.role, one.turn) == (other.role, other.turn)


def _caller_marks(rows: Sequence[Row]) -> list[Mark]:
    return [
        Mark(
            lane="caller",
            began_ms=row.start_ms,
            ended_ms=row.start_ms + 60 * len(row.text) if row.ended_ms is None else row.ended_ms,
            look="caller",
            title=f"caller at {stamp(row.start_ms)}",
            text=row.text,
            label=row.text,
        )
        for row in rows
        if row.role == "caller"
    ]


def _agent_marks(rows: Sequence[Row], length: float) -> list[Mark]:
    agent = [row for row in rows if row.role == "agent"]
    marks = []
    for number, row in enumerate(agent, 1):
        following = agent[number].start_ms if number < len(agent) else length
        heard = row.start_ms + (row.heard_ms or 0)
        marks.append(_agent_mark("heard", row.start_ms, heard, row.text))
        if row.unheard_ms or row.unheard:
            ended: float = heard + (row.unheard_ms or 60 * len(row.unheard))
            ended = max(heard, min(ended, following))
            marks.append(_agent_mark("unheard", heard, ended, row.unheard))
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
_TURN_OF_EVENT = {"Audible": "speaking", "Heard": "listening"}


def _turn_marks(events: Sequence[CallEvent], length: float) -> list[Mark]:
    """Who owned the turn: listening, hold, thinking, speaking, told by the turn engine."""
    marks, now, since = [], "listening", 0.0
    for event in events:
        if not isinstance(event, EngineStep):
            continue
        then = _owner_after(event, now)
        if then != now:
            marks += _turn_mark(now, since, event.at_ms)
            now, since = then, float(event.at_ms)
    return [*marks, *_turn_mark(now, since, length)]


def _owner_after(step: EngineStep, now: str) -> str:
    now = _TURN_OF_EVENT.get(step.input["name"], now)
    for effect in step.effects:
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
            lane=event.stage,
            began_ms=event.began_ms,
            ended_ms=event.ended_ms,
            look="failed" if event.ok is False else event.stage,
            title=f"{event.stage} {event.name}".strip(),
            text=_span_text(event),
            label=event.name,
            teeth=event.retries,
        )
        for event in events
        if isinstance(event, Span) and event.stage in LANES
    ]


def _span_text(span: Span) -> str:
    took = f"{span.ended_ms - span.began_ms} ms"
    retries = f", {span.retries} retries" if span.retries else ""
    return took + retries + (", failed" if span.ok is False else "")


def _wire_marks(events: Sequence[CallEvent]) -> list[Mark]:
    marks = []
    for event in events:
        if isinstance(event, Wire) and _is_seen(event):
            marks.append(_moment(event.what, event.at_ms, _wire_text(event)))
        elif isinstance(event, Link) and event.what != "back":
            marks.append(_moment("fault", event.at_ms, f"{event.provider} {event.what}"))
    return marks


def _is_seen(wire: Wire) -> bool:
    """Is it worth a mark? That audio was played and that a call is over is seen elsewhere."""
    return (wire.what, wire.name) != ("where", "ended") and wire.what != "played"


def _wire_text(wire: Wire) -> str:
    if wire.hidden is not None:
        return f"{wire.hidden} hidden"
    if wire.count is not None:
        return f"{wire.count} sent"
    return wire.digits or wire.text or wire.name


def _moment(what: str, at_ms: float, text: str) -> Mark:
    title = f"{what} at {stamp(at_ms)}"
    label = "" if what == "mark" else (text if what in _CONTENT_LABELS else what) or what
    return Mark(
        lane="wire", began_ms=at_ms, ended_ms=at_ms, look=what, title=title, text=text, label=label
    )


def _gaps(events: Sequence[CallEvent]) -> list[Gap]:
    gaps: dict[int, Gap] = {}
    for event in events:
        if isinstance(event, Turn) and event.gap_ms is not None:
            stages = tuple(as_printed(event.stages))
            gaps[event.turn] = Gap(
                turn=event.turn, at_ms=event.at_ms, gap_ms=event.gap_ms, stages=stages
            )
    return list(gaps.values())


def _notes(events: Sequence[CallEvent], gaps: Sequence[Gap]) -> list[Mark]:
    """The annotations: barge-ins, errors, transfers, and the slowest turn; nothing else."""
    notes = [note for event in events for note in _note(event)]
    if gaps:
        slowest = max(gaps, key=lambda gap: gap.gap_ms)
        notes.append(_annotation(slowest.at_ms, f"slowest: {slowest.gap_ms} ms", "gap"))
    return notes


def _note(event: CallEvent) -> list[Mark]:
    match event:
        case BargeIn():
            return [_annotation(event.cut_ms, _barge_in_text(event), "agent")]
        case ErrorEvent():
            return [_annotation(event.at_ms, f"{event.code}: {event.message}", "wire")]
        case EngineStep():
            moved = [each for each in event.effects if each["name"] == "TransferCall"]
            return [_annotation(event.at_ms, "transfer", "turn") for _ in moved]
    return []


def _barge_in_text(event: BargeIn) -> str:
    parts = ["barge-in"]
    if event.evidence_ms is not None and event.voice_ms is not None:
        parts.append(f"{event.evidence_ms - event.voice_ms} ms of voice")
    parts.append(f"cut at {event.cut_ms / 1_000:.2f} s")
    if event.error_ms is not None:
        parts[-1] += f" ±{event.error_ms} ms"
    return ", ".join(parts)


def _annotation(at_ms: float, text: str, lane: str) -> Mark:
    title = f"note at {stamp(at_ms)}"
    return Mark(
        lane=lane, began_ms=at_ms, ended_ms=at_ms, look="note", title=title, text=text, label=text
    )
