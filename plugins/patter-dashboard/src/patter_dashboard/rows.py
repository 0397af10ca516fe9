"""What the index keeps of a call, made of its events. Pure: the same record, the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from patter.errors import InputError
from patter.observe.codec import decode_line
from patter.observe.documents import moment
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    ErrorEvent,
    Row,
    Started,
    ToolRun,
    Turn,
)
from patter.observe.metrics import STAGES
from patter_dashboard.masking import masked, parties

_STEP = b'"type":"step"'
_HEAD = 200
"""How far into its line the type of an event is sought; ids are shorter."""
FIRST_WORDS = 120


@attrs.frozen
class Failure:
    """An error of a call."""

    code: str
    at_ms: int
    message: str
    fix: str


@attrs.frozen
class Provider:
    """A provider of a call: *usd* is what its kind cost, None when that is not known."""

    kind: str
    name: str
    usd: float | None


@attrs.frozen(kw_only=True)
class CallRows:
    """One call for the index. *columns* are those of the table ``calls``, by name.

    *turns* are those that were answered: number, gap and the stages in their fixed order, in
    milliseconds, -1 if unknown.
    """

    columns: Mapping[str, Any]
    turns: Sequence[tuple[int, ...]] = ()
    tools: Sequence[str] = ()
    providers: Sequence[Provider] = ()
    failures: Sequence[Failure] = ()
    words: str = ""


def events_of(record: Path) -> list[CallEvent]:
    """The events of the finished *record*, without the steps of its turn engine.

    They are most of a record, and nothing is shown of them. Raises OSError, InputError.
    """
    with record.open("rb") as lines:
        whole = (line for line in lines if line.endswith(b"\n"))
        return [decode_line(line) for line in whole if _STEP not in line[:_HEAD]]


def rows_of(
    call_id: str, events: Iterable[CallEvent], *, recorded: bool, live: bool = False
) -> CallRows:
    """The rows of the call *call_id* with *events*. Raises InputError when they are none."""
    seen = _Seen()
    for event in events:
        seen.take(event)
    if seen.started is None:
        raise InputError(f"the record of {call_id} has no beginning", fix="see: patter calls show")
    return seen.rows(call_id, recorded=recorded, live=live)


def erased_rows(call_id: str, started_at: str, started: int) -> CallRows:
    """The rows of a call of which only its id and its time are left."""
    columns = {**_BLANK, "id": call_id, "started": started, "started_at": started_at}
    return CallRows(columns=columns | {"status": "completed", "outcome": "erased", "erased": 1})


_BLANK: Mapping[str, Any] = {
    "id": "",
    "started": 0,
    "started_at": "",
    "ended_at": None,
    "duration_ms": None,
    "direction": "",
    "caller": "",
    "callee": "",
    "agent": "",
    "carrier": "",
    "status": "in_progress",
    "outcome": "",
    "reason": "",
    "turns": 0,
    "interruptions": 0,
    "gap_p50_ms": None,
    "gap_p95_ms": None,
    "gap_max_ms": None,
    "answers": 0,
    "response_ms": 0,
    "cost_usd": None,
    "known_usd": None,
    "cost_stt": 0.0,
    "cost_llm": 0.0,
    "cost_tts": 0.0,
    "cost_telephony": 0.0,
    "unpriced": "",
    "recorded": 0,
    "erased": 0,
    "first_words": "",
}
COLUMNS = tuple(_BLANK)


@attrs.define
class _Seen:
    """A call, as its events come."""

    started: Started | None = None
    ended: Ended | None = None
    turns: dict[int, Turn] = attrs.field(factory=dict)
    words: dict[tuple[str, int], str] = attrs.field(factory=dict)
    tools: dict[str, None] = attrs.field(factory=dict)
    failures: list[Failure] = attrs.field(factory=list)
    interruptions: int = 0
    first_words: str = ""

    def take(self, event: CallEvent) -> None:
        match event:
            case Started():
                self.started = event
            case Row():
                self._take_row(event)
            case Turn():
                self.turns[event.turn] = event
            case ToolRun():
                self.tools[event.name] = None
            case BargeIn():
                self.interruptions += 1
            case ErrorEvent():
                failure = Failure(event.code, event.at_ms, event.message, event.fix)
                self.failures.append(failure)
            case Ended():
                self.ended = event

    def rows(self, call_id: str, *, recorded: bool, live: bool) -> CallRows:
        started, ended = self.started or Started(), self.ended
        names = parties(started.caller, started.callee)
        answered = [turn for turn in self.turns.values() if turn.gap_ms is not None]
        gaps = [turn.gap_ms or 0 for turn in answered]
        columns = {
            **_BLANK,
            "id": call_id,
            "started": round(started.wall * 1_000),
            "started_at": moment(started.wall),
            "direction": started.direction,
            "caller": started.caller,
            "callee": started.callee,
            "agent": started.agent,
            "carrier": started.carrier,
            "outcome": "live" if live else "unknown",
            "turns": len(self.turns),
            "interruptions": self.interruptions,
            "gap_max_ms": max(gaps, default=None),
            "answers": len(gaps),
            "response_ms": sum(_response_ms(each) for each in answered),
            "recorded": int(recorded),
            # Before it is cut: half a number is none that could be known.
            "first_words": masked(self.first_words, names)[:FIRST_WORDS],
        }
        return CallRows(
            columns=columns | (_figures(started, ended) if ended else {}),
            turns=[_numbers(turn) for turn in answered],
            tools=[*self.tools],
            providers=_providers(started, ended),
            failures=self.failures,
            words="\n".join(filter(None, self.words.values())),
        )

    def _take_row(self, row: Row) -> None:
        if row.role == "tool":
            return
        # An amended turn replaces its earlier words; every other row stands.
        own = row.role == "caller" and row.turn is not None
        key = ("caller", row.turn or 0) if own else (row.role, -row.seq)
        self.words[key] = f"{row.text} {row.unheard}".strip()
        if row.role == "caller" and (not self.first_words or row.turn == 1):
            self.first_words = " ".join(row.text.split())


def _figures(started: Started, ended: Ended) -> dict[str, Any]:
    costs = {kind: usd for kind, usd in ended.costs.items() if usd is not None}
    return {
        "ended_at": moment(started.wall, ended.at_ms),
        "duration_ms": ended.duration_ms,
        "status": "completed",
        "outcome": ended.outcome,
        "reason": ended.reason,
        "turns": ended.turns,
        "gap_p50_ms": ended.gap_p50_ms,
        "gap_p95_ms": ended.gap_p95_ms,
        "cost_usd": ended.cost_usd,
        "known_usd": sum(costs.values()) if ended.cost_usd is None else ended.cost_usd,
        "cost_stt": costs.get("stt", 0.0),
        "cost_llm": costs.get("llm", 0.0) + costs.get("engine", 0.0),
        "cost_tts": costs.get("tts", 0.0),
        "cost_telephony": costs.get("carrier", 0.0),
        "unpriced": "\n".join(ended.unpriced),
    }


def _numbers(turn: Turn) -> tuple[int, ...]:
    gap_ms = -1 if turn.gap_ms is None else turn.gap_ms
    return (turn.turn, gap_ms, *(turn.stages.get(stage, -1) for stage in STAGES))


def _response_ms(turn: Turn) -> int:
    """The documents' `agent_response_ms`."""
    return sum(turn.stages.get(stage, 0) for stage in ("end", "llm", "tts"))


def _providers(started: Started, ended: Ended | None) -> list[Provider]:
    names = {**started.providers, **({"carrier": started.carrier} if started.carrier else {})}
    unpriced = ended.unpriced if ended else ()
    costs = ended.costs if ended else {}
    return [
        Provider(kind, name, None if _is_unpriced(name, unpriced) else costs.get(kind))
        for kind, name in names.items()
        if name
    ]


def _is_unpriced(name: str, unpriced: Iterable[str]) -> bool:
    """Is *name*, ``provider/model``, among what has no price (``provider/model unit``)?"""
    return any(each.split(" ")[0] in (name, name.partition("/")[0]) for each in unpriced)
