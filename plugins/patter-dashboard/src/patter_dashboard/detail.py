"""One call as its page has it: words, turns with their stages, costs, errors. Pure.

Numbers are masked wherever they stand, in `masked`, by which all of it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

import patter_dashboard.masking as masking
from patter.observe.codec import encode_line
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Note,
    Row,
    Started,
    ToolRun,
    Turn,
    Usage,
    Wire,
)
from patter.observe.metrics import STAGES, stage_name
from patter_dashboard.masking import parties

E = TypeVar("E", bound=CallEvent)
EVENTS_PAGE, EVENTS_MOST = 200, 2_000
_QUIET = ("mark", "played")
LLM_REQUEST = "llm_request"


def detail(events: Sequence[CallEvent]) -> dict[str, Any]:
    """What the page of a call shows, but for its row and its files."""
    started, ended = _last(events, Started) or Started(), _last(events, Ended)
    words = _transcript(events)
    return {
        "language": started.language,
        "mode": "engine" if "engine" in started.providers else "pipeline",
        "providers": dict(started.providers),
        "audio_formats": dict(started.audio),
        "length_ms": max((event.at_ms for event in events), default=0),
        "transcript": words,
        "turns": _turns(events, words),
        "interruptions": _interruptions(events),
        "errors": [
            {
                "at_ms": each.at_ms,
                "code": each.code,
                "message": each.message,
                "fix": each.fix,
                "where": each.where,
            }
            for each in events
            if isinstance(each, ErrorEvent)
        ],
        "cost": _cost(events, started, ended),
        "model_requests": len(_requests(events)),
        "events": sum(not isinstance(each, EngineStep) for each in events),
    }


def event_page(
    events: Iterable[CallEvent], *, after: int, types: frozenset[str], limit: int, quiet: bool
) -> dict[str, Any]:
    """The events after number *after*, of *types*; without any, all but steps.

    *quiet* leaves out marks and what the carrier says of them.
    """
    rows: list[dict[str, Any]] = []
    for event in events:
        kind = str(event.__struct_config__.tag)
        if event.seq <= after or (kind not in types if types else kind == "step"):
            continue
        if quiet and isinstance(event, Wire) and event.what in _QUIET:
            continue
        if len(rows) == limit:
            return {"data": rows, "next": rows[-1]["seq"]}
        rows.append(_as_data(event, kind))
    return {"data": rows, "next": None}


def model_index(events: Sequence[CallEvent]) -> list[dict[str, Any]]:
    """Each time that a model was asked: when, for which turn, and how many rows it was shown."""
    return [
        {"n": n, "at_ms": note.at_ms, "turn": turn, "rows": len(note.messages)}
        for n, (note, turn) in enumerate(_requests(events))
    ]


def model_request(events: Sequence[CallEvent], n: int) -> dict[str, Any] | None:
    """What the model was shown the *n*-th time, from 0; None when there was no such time."""
    requests = _requests(events)
    if not 0 <= n < len(requests):
        return None
    note, turn = requests[n]
    messages = [dict(each) for each in note.messages]
    return {"n": n, "at_ms": note.at_ms, "turn": turn, "messages": messages}


def parties_of(events: Iterable[CallEvent]) -> tuple[str, ...]:
    """The numbers of a call, as they may stand anywhere in it."""
    started = next((each for each in events if isinstance(each, Started)), Started())
    return parties(started.caller, started.callee)


def masked(data: Any, names: Iterable[str] = ()) -> str:
    """*data* as JSON in which every number, and each of *names*, has its last digits alone."""
    return masking.masked(orjson.dumps(data).decode(), names)


def spoken(row: Row, n: int) -> dict[str, Any]:
    """*row* as a line of the transcript."""
    return {
        "n": n,
        "role": row.role,
        "turn": row.turn,
        "kind": row.kind,
        "text": row.text,
        "unheard": row.unheard,
        "began_ms": row.start_ms,
        "ended_ms": row.at_ms if row.ended_ms is None else row.ended_ms,
        "interrupted": bool(row.interrupted),
    }


def call_of(run: ToolRun) -> str:
    """What was run, as it is printed: ``book_table(people=2)``."""
    return f"{run.name}({', '.join(f'{k}={_quoted(v)}' for k, v in run.arguments.items())})"


def _transcript(events: Iterable[CallEvent]) -> list[dict[str, Any]]:
    shown: dict[tuple[str, int], dict[str, Any]] = {}
    for event in events:
        match event:
            case Row(role="caller", turn=int(turn)):
                shown[("caller", turn)] = spoken(event, 0)
            case Row(role="caller" | "agent"):
                shown[("row", event.seq)] = spoken(event, 0)
            case ToolRun(what="finished"):
                shown[("tool", event.seq)] = _tool(event)
    ordered = sorted(shown.values(), key=lambda each: each["began_ms"])
    return [each | {"n": n} for n, each in enumerate(ordered)]


def _tool(run: ToolRun) -> dict[str, Any]:
    return {
        "n": 0,
        "role": "tool",
        "turn": run.turn,
        "kind": run.effect,
        "text": call_of(run),
        "unheard": "",
        "began_ms": max(0, run.at_ms - (run.took_ms or 0)),
        "ended_ms": run.at_ms,
        "interrupted": False,
        "result": _quoted(run.result) if run.result is not None else "",
        "ok": run.ok is not False,
        "took_ms": run.took_ms,
    }


def _turns(events: Iterable[CallEvent], words: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lines: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in words:
        if row["turn"] is not None:
            lines.setdefault((row["role"], row["turn"]), []).append(row)
    return [
        _turn(event, lines.get(("caller", event.turn), ()), lines.get(("agent", event.turn), ()))
        for event in events
        if isinstance(event, Turn)
    ]


def _turn(
    turn: Turn, caller: Sequence[Mapping[str, Any]], agent: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "turn": turn.turn,
        "gap_ms": turn.gap_ms,
        # It is emitted when the answer is first heard, which is the end of the gap.
        "from_ms": max(0, turn.at_ms - (turn.gap_ms or 0)),
        "interrupted": any(each["interrupted"] for each in agent),
        "caller": " ".join(each["text"] for each in caller),
        "agent": " ".join(each["text"] for each in agent if each["text"]),
        "stages": [
            {"stage": stage, "name": stage_name(stage), "ms": turn.stages[stage]}
            for stage in STAGES
            if turn.stages.get(stage)
        ],
    }


def _interruptions(events: Sequence[CallEvent]) -> list[dict[str, Any]]:
    turns = {row.epoch: row.turn for row in events if isinstance(row, Row) and row.epoch}
    return [
        {
            "at_ms": each.cut_ms,
            "heard_ms": each.heard_ms,
            "error_ms": each.error_ms,
            "turn": turns.get(each.epoch),
        }
        for each in events
        if isinstance(each, BargeIn)
    ]


def _cost(events: Iterable[CallEvent], started: Started, ended: Ended | None) -> dict[str, Any]:
    used: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for each in events:
        if isinstance(each, Usage):
            amounts = used.setdefault(each.kind, {})
            amounts[each.unit] = amounts.get(each.unit, 0) + each.amount
            names.setdefault(each.kind, "/".join(filter(None, (each.provider, each.model))))
    costs = dict(ended.costs) if ended else {}
    own = {**started.providers, "carrier": started.carrier}
    parts = [
        {
            "kind": kind,
            "usd": costs.get(kind),
            "provider": own.get(kind) or names.get(kind, ""),
            "usage": [
                {"unit": unit, "amount": amount} for unit, amount in used.get(kind, {}).items()
            ],
        }
        for kind in dict.fromkeys([*costs, *used])
    ]
    total = sum(usd for usd in costs.values() if usd is not None)
    return {
        "total_usd": ended.cost_usd if ended else None,
        "known_usd": round(total, 6),
        "unpriced": list(ended.unpriced) if ended else [],
        "parts": parts,
    }


def _requests(events: Iterable[CallEvent]) -> list[tuple[Note, int | None]]:
    """What models were shown, each with the turn that had been committed by then."""
    turn: int | None = None
    requests = []
    for event in events:
        if isinstance(event, Row) and event.role == "caller" and event.turn is not None:
            turn = event.turn
        elif isinstance(event, Note) and event.what == LLM_REQUEST:
            requests.append((event, turn))
    return requests


def _as_data(event: CallEvent, kind: str) -> dict[str, Any]:
    data = orjson.loads(encode_line(event))
    fields = {k: v for k, v in data.items() if k not in ("v", "call", "seq", "at_ms", "type")}
    return {"seq": event.seq, "at_ms": event.at_ms, "type": kind, "data": fields}


def _last(events: Sequence[CallEvent], kind: type[E]) -> E | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
