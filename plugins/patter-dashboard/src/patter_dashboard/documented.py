"""A call as API v1 writes it: made of the files beside its record. Pure, but for `record_in`.

Cost and latency have the names of `CallMetrics`; what is not known is None.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from patter.observe.call_files import TRANSCRIPT
from patter.observe.stored_calls import TOMBSTONE, stored_call
from patter_dashboard.masking import hidden

COLUMNS = (
    "call_id", "caller", "callee", "direction", "started_at", "ended_at", "duration_s",
    "cost_total", "cost_stt", "cost_tts", "cost_llm", "cost_telephony", "avg_latency_ms",
    "turns_count", "provider_mode",
)  # fmt: skip
TERMINAL = frozenset(
    {
        "completed", "no-answer", "busy", "failed", "canceled", "timeout", "cancel",
        "webhook_error",
    }
)  # fmt: skip
"""Statuses of a call that is over."""
_COSTS = ("stt", "tts", "llm", "telephony")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATUS = {"no_answer": "no-answer", "voicemail": "completed", "unknown": "failed"}
Record = dict[str, Any]


def record_in(directory: Path) -> Record | None:
    """The call in *directory*; None when there is none, it was erased or cannot be read. Blocks."""
    if (directory / TOMBSTONE).exists():
        return None
    call = stored_call(directory)
    return None if call is None else record_of(call.metadata, _turns(directory))


def record_of(metadata: Mapping[str, Any], turns: Sequence[Mapping[str, Any]]) -> Record:
    """The call with *metadata* and *turns*, as the files beside its record have them."""
    duration_ms = metadata.get("duration_ms")
    over = metadata.get("ended_at") is not None
    outcome = str(metadata.get("outcome") or "completed")
    duration_s = None if duration_ms is None else round(duration_ms / 1_000, 2)
    return {
        "call_id": metadata.get("call_id", ""),
        "caller": metadata.get("caller") or "",
        "callee": metadata.get("callee") or "",
        "direction": metadata.get("direction") or "",
        "status": _STATUS.get(outcome, outcome) if over else "in-progress",
        "started_at": metadata.get("started_at"),
        "ended_at": metadata.get("ended_at"),
        "transcript": [line for turn in turns for line in _lines(turn)],
        "turns": list(turns),
        "metrics": _metrics(metadata, turns, duration_s) if over else None,
    }


def masked(record: Record) -> Record:
    """*record* with its numbers' last digits alone."""
    return record | {who: hidden(str(record.get(who) or "")) for who in ("caller", "callee")}


def aggregates(records: Iterable[Mapping[str, Any]], active: int) -> Record:
    """Totals over *records*; a call whose price is not known is in `unpriced_calls` alone."""
    count = priced = unpriced = 0
    totals = dict.fromkeys(_COSTS, 0.0)
    cost = duration = 0.0
    latencies: list[float] = []
    for record in records:
        count += 1
        metrics = record.get("metrics") or {}
        duration += metrics.get("duration_seconds") or 0.0
        own = metrics.get("cost") or {}
        if own.get("total") is None:
            unpriced += bool(metrics)
        else:
            priced, cost = priced + 1, cost + own["total"]
        for part in _COSTS:
            totals[part] += own.get(part) or 0.0
        if (latency := latency_of(metrics)) is not None:
            latencies.append(latency)
    return {
        "total_calls": count,
        "total_cost": round(cost, 6),
        "avg_duration": round(duration / count, 2) if count else 0.0,
        "avg_latency_ms": round(sum(latencies) / len(latencies), 1) if latencies else 0.0,
        "cost_breakdown": {part: round(usd, 6) for part, usd in totals.items()},
        "active_calls": active,
        "unpriced_calls": unpriced,
        "sdk_version": version("patter-core"),
    }


def latency_of(metrics: Mapping[str, Any]) -> float | None:
    """The mean latency of a call: of the agent's response, else of the whole; None of none."""
    average = metrics.get("latency_avg") or {}
    value = average.get("agent_response_ms") or average.get("total_ms")
    return float(value) if value else None


def row_of(record: Mapping[str, Any]) -> list[Any]:
    """*record* as a line of a table, in the order of `COLUMNS`; no cell is a formula."""
    metrics = record.get("metrics") or {}
    cost = metrics.get("cost") or {}
    cells = [
        *(record.get(name) for name in COLUMNS[:6]),
        metrics.get("duration_seconds"),
        cost.get("total"),
        *(cost.get(part) for part in _COSTS),
        latency_of(metrics),
        len(record.get("turns") or ()),
        metrics.get("provider_mode"),
    ]
    return ["" if each is None else cell(each) for each in cells]


def cell(value: object) -> object:
    """*value* for a table: what a caller has said is never calculated."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """*rows* as CSV."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()


def calls_to_csv(calls: Iterable[Mapping[str, Any]]) -> str:
    """*calls*, as API v1 has them, as a table with `COLUMNS`."""
    return csv_lines([COLUMNS, *(row_of(each) for each in calls)])


def calls_to_json(calls: Iterable[Mapping[str, Any]]) -> str:
    """*calls*, as API v1 has them, as a JSON array."""
    return orjson.dumps(list(calls), option=orjson.OPT_INDENT_2).decode()


def _turns(directory: Path) -> list[Record]:
    with suppress(OSError, ValueError):
        lines = (directory / TRANSCRIPT).read_bytes().splitlines()
        return [orjson.loads(line) for line in lines if line]
    return []


def _lines(turn: Mapping[str, Any]) -> Iterator[Record]:
    for role, name in (("user", "user_text"), ("assistant", "agent_text")):
        if text := turn.get(name):
            yield {
                "role": role,
                "text": text,
                "timestamp": turn.get("timestamp"),
                "turnIndex": turn.get("turn_index"),
            }


def _metrics(
    metadata: Mapping[str, Any], turns: Sequence[Mapping[str, Any]], duration_s: float | None
) -> Record:
    agent = metadata.get("agent") or {}
    providers = agent.get("providers") or {}
    latency = metadata.get("latency") or {}
    named = {f"{kind}_provider": _slug(providers.get(kind)) for kind in ("stt", "tts", "llm")}
    return {
        "call_id": metadata.get("call_id", ""),
        "duration_seconds": duration_s,
        "turn_count": len(turns),
        "cost": metadata.get("cost"),
        "latency_avg": latency.get("avg"),
        "latency_p50": latency.get("p50"),
        "latency_p95": latency.get("p95"),
        "latency_p99": latency.get("p99"),
        "provider_mode": metadata.get("provider_mode"),
        **named,
        "telephony_provider": metadata.get("telephony_provider"),
        "error_code": metadata.get("error"),
    }


def _slug(name: object) -> str:
    return str(name or "").partition("/")[0]
