"""What the files beside a record say: its metadata, its turns and its deeds, as plain JSON.

Pure: the same events, the same documents. They have the names that dashboards and scripts read;
`call.jsonl` has more, and is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs

from patter.observe.events import BargeIn, CallEvent, Ended, ErrorEvent, Row, Started, ToolRun, Turn
from patter.observe.metrics import percentile

SCHEMA = "1.0"
INTERRUPTED = "[interrupted]"
"""The agent's words in a turn of which nothing was heard."""
IN_PROGRESS, COMPLETED = "in_progress", "completed"
_STAGES = {"stt_ms": "stt", "endpoint_ms": "end", "llm_ms": "llm", "tts_ms": "tts"}
_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_COSTS = {"stt": ("stt",), "tts": ("tts",), "llm": ("llm", "engine"), "telephony": ("carrier",)}

E = TypeVar("E", bound=CallEvent)
Document = dict[str, Any]


def moment(wall: float, at_ms: int = 0) -> str:
    """*wall* (seconds since 1970) plus *at_ms*: ISO 8601 in UTC, with milliseconds.

    >>> moment(1_790_000_000.0, 1_500)
    '2026-09-21T14:13:21.500Z'
    """
    when = datetime.fromtimestamp(wall + at_ms / 1_000, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def metadata(events: Sequence[CallEvent], recording: str = "") -> Document:
    """What `metadata.json` says of a call with *events*, whose audio is in the file *recording*.

    A figure that is not known is None.
    """
    started = _last(events, Started) or Started()
    ended = _last(events, Ended)
    rows = transcript(events)
    errors = [event.code for event in events if isinstance(event, ErrorEvent)]
    made: Document = {
        "schema_version": SCHEMA,
        "call_id": events[0].call if events else "",
        "trace_id": "",
        "started_at": moment(started.wall),
        "ended_at": moment(started.wall, ended.at_ms) if ended else None,
        "duration_ms": ended.duration_ms if ended else None,
        "status": COMPLETED if ended else IN_PROGRESS,
        "outcome": ended.outcome if ended else None,
        "reason": ended.reason if ended else None,
        "caller": started.caller,
        "callee": started.callee,
        "direction": started.direction,
        "telephony_provider": started.carrier,
        "provider_mode": started.providers.get("engine") or "pipeline",
        "agent": _agent(started),
        "turns": ended.turns if ended else len(rows),
        "cost": _cost(ended) if ended else None,
        "latency": latency([row["latency"] for row in rows]),
        "error": errors[-1] if errors else None,
    }
    return {**made, "recording_path": recording} if recording else made


def transcript(events: Iterable[CallEvent]) -> list[Document]:
    """The lines of `transcript.jsonl`: a turn each, the greeting as turn 0."""
    turns: dict[int, _TurnWords] = {}
    wall = 0.0
    for event in events:
        match event:
            case Started():
                wall = event.wall
            case Row(role="caller" | "agent", turn=int(turn)):
                turns.setdefault(turn, _TurnWords()).row(event)
            case Turn():
                turns.setdefault(event.turn, _TurnWords()).stages = _breakdown(event)
    return [
        {"schema_version": SCHEMA, "ts": moment(wall, each.at_ms), "turn_index": turn}
        | each.document()
        | {"timestamp": wall + each.at_ms / 1_000}
        for turn, each in sorted(turns.items())
    ]


def deeds(events: Sequence[CallEvent]) -> Iterator[Document]:
    """The lines of `events.jsonl`: tools, barge-ins and errors."""
    wall = (_last(events, Started) or Started()).wall
    turns = {row.epoch: row.turn for row in events if isinstance(row, Row) and row.epoch}
    for event in events:
        if (deed := _deed(event, turns)) is not None:
            kind, data = deed
            ts = moment(wall, event.at_ms)
            yield {"schema_version": SCHEMA, "ts": ts, "type": kind, "data": data}


def latency(turns: Sequence[Mapping[str, float | None]]) -> Document:
    """The averages and percentiles of the latencies of *turns*; those without one do not count."""
    heard = [turn for turn in turns if turn["total_ms"]]
    shares = {name: _over(heard, share) for name, share in _SHARES.items()}
    plain = {f"{name}_ms": values["total_ms"] for name, values in shares.items()}
    return {**plain, "avg": _over(heard, None), **shares}


@attrs.define
class _TurnWords:
    """A turn, as its events come."""

    user: str = ""
    agent: list[str] = attrs.field(factory=list)
    interrupted: bool = False
    stages: Document = attrs.field(factory=lambda: _breakdown(None))
    at_ms: int = 0
    voice_ms: int = 0
    characters: int = 0

    def row(self, row: Row) -> None:
        self.at_ms = max(self.at_ms, row.at_ms)
        if row.role == "caller":
            self.user = row.text
            self.voice_ms = max(0, (row.ended_ms or 0) - (row.began_ms or 0))
            return
        self.agent += [row.text] if row.text else []
        self.interrupted = self.interrupted or bool(row.interrupted)
        self.characters += len(row.text) + len(row.unheard)

    def document(self) -> Document:
        return {
            "user_text": self.user,
            "agent_text": " ".join(self.agent) or (INTERRUPTED if self.interrupted else ""),
            "interrupted": self.interrupted,
            "latency": self.stages | {"user_speech_duration_ms": float(self.voice_ms)},
            "stt_audio_seconds": self.voice_ms / 1_000,
            "tts_characters": self.characters,
        }


def _breakdown(turn: Turn | None) -> Document:
    """The latency of *turn* by the documents' names, in milliseconds; zeros without one."""
    stages = turn.stages if turn else {}
    parts = {name: float(stages.get(stage, 0)) for name, stage in _STAGES.items()}
    response = parts["endpoint_ms"] + parts["llm_ms"] + parts["tts_ms"]
    return {
        **parts,
        "total_ms": float(turn.gap_ms or 0) if turn else 0.0,
        "llm_ttft_ms": parts["llm_ms"] if turn else None,
        "agent_response_ms": response if turn else None,
    }


def _over(turns: Sequence[Mapping[str, float | None]], share: float | None) -> Document:
    """Each part of *turns* at the percentile *share*, or its mean; 0.0 of no turns."""
    names = ("total_ms", *_STAGES)
    values = {name: [turn[name] or 0.0 for turn in turns] for name in names}
    if share is None:
        return {
            name: round(sum(each) / len(each), 1) if each else 0.0 for name, each in values.items()
        }
    return {name: round(percentile(each, share) or 0.0, 1) for name, each in values.items()}


def _agent(started: Started) -> Document:
    model = started.providers.get("engine") or started.providers.get("llm", "")
    mode = "engine" if "engine" in started.providers else "pipeline"
    return {
        "name": started.agent,
        "provider": model.partition("/")[0],
        "engine": started.providers.get("engine"),
        "model": model.partition("/")[2],
        "voice": started.providers.get("tts"),
        "language": started.language,
        "mode": mode,
        "providers": dict(started.providers),
    }


def _cost(ended: Ended) -> Document:
    """Dollars by part, as far as they are known; *total* None when a price is missing."""
    parts = {
        name: round(sum(ended.costs.get(kind, 0.0) for kind in kinds), 6)
        for name, kinds in _COSTS.items()
    }
    total = None if ended.cost_usd is None else round(ended.cost_usd, 6)
    return {**parts, "total": total, "unpriced": list(ended.unpriced)}


def _deed(event: CallEvent, turns: Mapping[int, int | None]) -> tuple[str, Document] | None:
    match event:
        case ToolRun(what="started"):
            return "tool_call", {"name": event.name, "arguments": dict(event.arguments)}
        case ToolRun():
            data = {"name": event.name, "arguments": dict(event.arguments), "result": event.result}
            return "tool_result", data | {"ok": event.ok, "took_ms": event.took_ms}
        case BargeIn():
            since = event.cut_ms if event.evidence_ms is None else event.evidence_ms
            turn = turns.get(event.epoch)
            return "barge_in", {"turn_index": turn, "bargein_ms": event.cut_ms - since}
        case ErrorEvent():
            return "error", {"error_code": event.code, "message": event.message}
    return None


def _last(events: Iterable[CallEvent], kind: type[E]) -> E | None:
    return next((event for event in reversed([*events]) if isinstance(event, kind)), None)
