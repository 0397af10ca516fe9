"""Figures over many calls: what they cost, how long answers took, by day, agent and provider.

What has no known price is counted beside a total, never in it. Blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.observe.metrics import STAGES
from patter_dashboard._schema import STAGE_COLUMNS
from patter_dashboard.filters import Asked, iso
from patter_dashboard.index_file import IndexFile

DAY_MS = 86_400_000
DEFAULT_DAYS = 30
SLOWEST = 10
PARTS = ("stt", "llm", "tts", "telephony")
STAGE_OF = {"stt": "stt", "llm": "llm", "tts": "tts", "engine": "llm"}
"""The stage of a turn that a kind of provider is answerable for."""
_CALL = (
    "key", "started", "agent", "outcome", "status", "duration_ms", "turns", "interruptions",
    "cost_usd", "known_usd", "cost_stt", "cost_llm", "cost_tts", "cost_telephony", "unpriced",
)  # fmt: skip
_FAILED = ("failed", "unknown")


@attrs.frozen
class _Calls:
    """The calls asked for, a column each, and their turns: an array with a line each."""

    columns: Mapping[str, Sequence[Any]]
    turns: NDArray[np.float64]

    def of(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["key"])


def summary(index: IndexFile, asked: Asked, now: float) -> dict[str, Any]:
    """The figures of the calls that are *asked* for; by default of the last thirty days."""
    asked = asked.with_default("from", round(now * 1_000) - DEFAULT_DAYS * DAY_MS)
    found = _read(index, asked)
    everyone = list(range(len(found)))
    days = [
        datetime.fromtimestamp(at / 1_000, UTC).date().isoformat() for at in found.of("started")
    ]
    gaps = _gaps_by_call(found)
    return {
        "from": iso(asked.since or 0),
        "to": iso(asked.until or now * 1_000),
        "calls": len(found),
        "live": sum(each == "live" for each in found.of("outcome")),
        "duration_ms": sum(each or 0 for each in found.of("duration_ms")),
        "turns": sum(found.of("turns")),
        "interruptions": sum(found.of("interruptions")),
        "outcomes": _counts(found.of("outcome")),
        "cost": _cost(found, everyone),
        "latency": _latency(found.turns),
        "by_day": [
            {"day": day, **_group(found, rows, gaps), "parts": _parts(found, rows)}
            for day, rows in sorted(_grouped(days).items())
        ],
        "by_agent": [
            {"name": name, **_group(found, rows, gaps)}
            for name, rows in _by_size(_grouped(found.of("agent")))
        ],
        "by_provider": _providers(index, asked, found),
        "slowest": _slowest(index, asked),
    }


def failures(index: IndexFile, since_ms: float) -> list[dict[str, Any]]:
    """The errors of calls since *since_ms*, by their code, the most frequent first."""
    rows = index.rows(
        "SELECT f.code, count(*), max(f.at), f.message, f.fix FROM failures f "
        "JOIN calls c ON c.key = f.call WHERE f.at >= ? AND c.deleted = 0 "
        "GROUP BY f.code ORDER BY 2 DESC",
        (since_ms,),
    )
    return [
        {
            "code": code,
            "count": count,
            "last_at": iso(at),
            "message": message,
            "fix": fix,
            "calls": _latest(index, code, since_ms),
        }
        for code, count, at, message, fix in rows
    ]


def _latest(index: IndexFile, code: str, since_ms: float) -> list[str]:
    rows = index.rows(
        "SELECT c.id, max(f.at) FROM failures f JOIN calls c ON c.key = f.call "
        "WHERE f.code = ? AND f.at >= ? AND c.deleted = 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
        (code, since_ms),
    )
    return [call_id for call_id, _ in rows]


def _read(index: IndexFile, asked: Asked) -> _Calls:
    condition = asked.condition()
    columns = ", ".join(f"c.{name}" for name in _CALL)
    where = f"WHERE {condition.sql} AND c.erased = 0"
    rows = index.rows(f"SELECT {columns} FROM calls c {where}", dict(condition.values))
    stages = ", ".join(f"t.{name}" for name in STAGE_COLUMNS)
    turns = index.rows(
        f"SELECT t.call, t.gap_ms, {stages} FROM turns t JOIN calls c ON c.key = t.call {where} "
        "AND t.gap_ms IS NOT NULL",
        dict(condition.values),
    )
    by_column = list(zip(*rows, strict=True)) or [()] * len(_CALL)
    # None becomes NaN, which no percentile counts.
    table = np.array(turns, dtype=np.float64).reshape(-1, 2 + len(STAGES))
    return _Calls(dict(zip(_CALL, by_column, strict=True)), table)


def _gaps_by_call(found: _Calls) -> dict[int, NDArray[np.float64]]:
    if not len(found.turns):
        return {}
    ordered = found.turns[np.argsort(found.turns[:, 0], kind="stable")]
    keys, first = np.unique(ordered[:, 0], return_index=True)
    pieces = np.split(ordered[:, 1], first[1:])
    return dict(zip(keys.astype(int).tolist(), pieces, strict=True))


def _group(
    found: _Calls, rows: Sequence[int], gaps: Mapping[int, NDArray[np.float64]]
) -> dict[str, Any]:
    keys = found.of("key")
    own = [gaps[keys[row]] for row in rows if keys[row] in gaps]
    cost = _cost(found, rows)
    return {
        "calls": len(rows),
        "failed": sum(found.of("outcome")[row] in _FAILED for row in rows),
        "duration_ms": sum(found.of("duration_ms")[row] or 0 for row in rows),
        "known_usd": cost["known_usd"],
        "unpriced_calls": cost["unpriced_calls"],
        **_shares(np.concatenate(own) if own else np.empty(0)),
    }


def _cost(found: _Calls, rows: Sequence[int]) -> dict[str, Any]:
    over = [row for row in rows if found.of("status")[row] == "completed"]
    priced = [row for row in over if found.of("cost_usd")[row] is not None]
    missing = {each for row in over for each in found.of("unpriced")[row].split("\n") if each}
    return {
        "known_usd": round(sum(found.of("known_usd")[row] or 0.0 for row in over), 6),
        "priced_calls": len(priced),
        "unpriced_calls": len(over) - len(priced),
        "unpriced": sorted(missing),
        "parts": _parts(found, over),
    }


def _parts(found: _Calls, rows: Sequence[int]) -> dict[str, float]:
    return {
        part: round(sum(found.of(f"cost_{part}")[row] or 0.0 for row in rows), 6) for part in PARTS
    }


def _latency(turns: NDArray[np.float64]) -> dict[str, Any]:
    stages = {stage: _shares(turns[:, at]) for at, stage in enumerate(STAGES, 2)}
    known = {stage: each for stage, each in stages.items() if each["p50"] is not None}
    return {"turns": len(turns), "gap": _shares(turns[:, 1]), "stages": known}


def _shares(values: NDArray[np.float64]) -> dict[str, int | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"p50": None, "p95": None}
    half, most = np.percentile(known, (50, 95))
    return {"p50": round(float(half)), "p95": round(float(most))}


def _providers(index: IndexFile, asked: Asked, found: _Calls) -> list[dict[str, Any]]:
    condition = asked.condition()
    rows = index.rows(
        "SELECT p.kind, p.name, c.key, p.usd, c.status FROM providers p "
        f"JOIN calls c ON c.key = p.call WHERE {condition.sql}",
        dict(condition.values),
    )
    used: dict[tuple[str, str], list[tuple[int, float | None, str]]] = {}
    for kind, name, key, usd, status in rows:
        used.setdefault((kind, name), []).append((key, usd, status))
    return [_provider(found, kind, name, calls) for (kind, name), calls in _by_size(used)]


def _provider(
    found: _Calls, kind: str, name: str, calls: Sequence[tuple[int, float | None, str]]
) -> dict[str, Any]:
    stage = STAGE_OF.get(kind)
    values = np.empty(0)
    if stage is not None:
        own = np.isin(found.turns[:, 0], [key for key, _, _ in calls])
        values = found.turns[own, 2 + STAGES.index(stage)]
    return {
        "kind": kind,
        "name": name,
        "calls": len(calls),
        "known_usd": round(sum(usd or 0.0 for _, usd, _ in calls), 6),
        "unpriced_calls": sum(usd is None and status == "completed" for _, usd, status in calls),
        "stage": stage,
        **_shares(values),
    }


def _slowest(index: IndexFile, asked: Asked) -> list[dict[str, Any]]:
    condition = asked.condition()
    stages = ", ".join(f"t.{name}" for name in STAGE_COLUMNS)
    rows = index.rows(
        f"SELECT c.id, c.started_at, t.turn, t.gap_ms, {stages} FROM turns t "
        f"JOIN calls c ON c.key = t.call WHERE {condition.sql} AND t.gap_ms IS NOT NULL "
        f"ORDER BY t.gap_ms DESC LIMIT {SLOWEST}",
        dict(condition.values),
    )
    return [
        {
            "id": row[0],
            "started_at": row[1],
            "turn": row[2],
            "gap_ms": row[3],
            "stages": {s: ms for s, ms in zip(STAGES, row[4:], strict=True) if ms},
        }
        for row in rows
    ]


def _grouped(names: Iterable[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        groups.setdefault(name, []).append(row)
    return groups


def _by_size(groups: Mapping[Any, list[Any]]) -> list[tuple[Any, list[Any]]]:
    return sorted(groups.items(), key=lambda each: (-len(each[1]), str(each[0])))


def _counts(values: Iterable[str]) -> dict[str, int]:
    return {name: len(rows) for name, rows in _by_size(_grouped(values))}
