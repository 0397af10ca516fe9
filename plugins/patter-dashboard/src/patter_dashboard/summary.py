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
from patter_dashboard.filters import Filters, iso
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


_WIDTH = 2 + len(STAGES)
_GAP = 1
Numbers = NDArray[np.int32]


@attrs.frozen
class _Calls:
    """The calls asked for, a column each, and their answered turns.

    *turns* have a line each: number, gap, stages, -1 if unknown; *owners* are their calls' keys.
    """

    columns: Mapping[str, Sequence[Any]]
    turns: Numbers
    owners: NDArray[np.int64]

    def of(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    def turns_of(self, keys: Sequence[int]) -> Numbers:
        """The turns of the calls *keys*."""
        own: Numbers = self.turns[np.isin(self.owners, keys)]
        return own

    def __len__(self) -> int:
        return len(self.columns["key"])


def summary(index: IndexFile, filters: Filters, now: float) -> dict[str, Any]:
    """The figures of the calls that *filters* mean; by default of the last thirty days."""
    filters = filters.with_default("from", round(now * 1_000) - DEFAULT_DAYS * DAY_MS)
    picked = _read(index, filters)
    everyone = list(range(len(picked)))
    days = [
        datetime.fromtimestamp(at / 1_000, UTC).date().isoformat() for at in picked.of("started")
    ]
    return {
        "from": iso(filters.since or 0),
        "to": iso(filters.until or now * 1_000),
        "calls": len(picked),
        "live": sum(each == "live" for each in picked.of("outcome")),
        "duration_ms": sum(each or 0 for each in picked.of("duration_ms")),
        "turns": sum(picked.of("turns")),
        "interruptions": sum(picked.of("interruptions")),
        "outcomes": _counts(picked.of("outcome")),
        "cost": _cost(picked, everyone),
        "latency": _latency(picked.turns),
        "by_day": [
            {"day": day, **_group(picked, rows), "parts": _parts(picked, rows)}
            for day, rows in sorted(_grouped(days).items())
        ],
        "by_agent": [
            {"name": name, **_group(picked, rows)}
            for name, rows in _by_size(_grouped(picked.of("agent")))
        ],
        "by_provider": _providers(index, filters, picked),
        "slowest": _slowest(index, picked),
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


def _read(index: IndexFile, filters: Filters) -> _Calls:
    condition = filters.condition()
    columns = ", ".join(f"c.{name}" for name in _CALL)
    where = f"WHERE {condition.sql} AND c.erased = 0"
    rows = index.rows(f"SELECT {columns} FROM calls c {where}", dict(condition.values))
    by_column = list(zip(*rows, strict=True)) or [()] * len(_CALL)
    del rows
    turns = index.rows(
        f"SELECT t.call, t.numbers FROM turns t JOIN calls c ON c.key = t.call {where}",
        dict(condition.values),
    )
    table = np.frombuffer(b"".join(numbers for _, numbers in turns), np.int32).reshape(-1, _WIDTH)
    counts = [len(numbers) // (4 * _WIDTH) for _, numbers in turns]
    owners = np.repeat(np.array([call for call, _ in turns], np.int64), counts)
    return _Calls(dict(zip(_CALL, by_column, strict=True)), table, owners)


def _group(picked: _Calls, rows: Sequence[int]) -> dict[str, Any]:
    keys = picked.of("key")
    cost = _cost(picked, rows)
    return {
        "calls": len(rows),
        "failed": sum(picked.of("outcome")[row] in _FAILED for row in rows),
        "duration_ms": sum(picked.of("duration_ms")[row] or 0 for row in rows),
        "known_usd": cost["known_usd"],
        "unpriced_calls": cost["unpriced_calls"],
        **_shares(picked.turns_of([keys[row] for row in rows])[:, _GAP]),
    }


def _cost(picked: _Calls, rows: Sequence[int]) -> dict[str, Any]:
    over = [row for row in rows if picked.of("status")[row] == "completed"]
    priced = [row for row in over if picked.of("cost_usd")[row] is not None]
    missing = {each for row in over for each in picked.of("unpriced")[row].split("\n") if each}
    return {
        "known_usd": round(sum(picked.of("known_usd")[row] or 0.0 for row in over), 6),
        "priced_calls": len(priced),
        "unpriced_calls": len(over) - len(priced),
        "unpriced": sorted(missing),
        "parts": _parts(picked, over),
    }


def _parts(picked: _Calls, rows: Sequence[int]) -> dict[str, float]:
    return {
        part: round(sum(picked.of(f"cost_{part}")[row] or 0.0 for row in rows), 6) for part in PARTS
    }


def _latency(turns: Numbers) -> dict[str, Any]:
    stages = {stage: _shares(turns[:, at]) for at, stage in enumerate(STAGES, 2)}
    shares = {stage: each for stage, each in stages.items() if each["p50"] is not None}
    return {"turns": len(turns), "gap": _shares(turns[:, _GAP]), "stages": shares}


def _shares(values: Numbers) -> dict[str, int | None]:
    valid = values[values >= 0]
    if not len(valid):
        return {"p50": None, "p95": None}
    half, most = np.percentile(valid, (50, 95))
    return {"p50": round(float(half)), "p95": round(float(most))}


def _providers(index: IndexFile, filters: Filters, picked: _Calls) -> list[dict[str, Any]]:
    condition = filters.condition()
    used = f"FROM providers p JOIN calls c ON c.key = p.call WHERE {condition.sql}"
    rows = index.rows(
        "SELECT p.kind, p.name, count(*), sum(p.usd), "
        f"sum(p.usd IS NULL AND c.status = 'completed') {used} "
        "GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        dict(condition.values),
    )
    by_provider = []
    for kind, name, calls, usd, unpriced in rows:
        stage = STAGE_OF.get(kind)
        shares: dict[str, int | None] = {"p50": None, "p95": None}
        if stage is not None:
            keys = [
                key
                for (key,) in index.rows(
                    f"SELECT c.key {used} AND p.kind = :kind_ AND p.name = :name_",
                    {**condition.values, "kind_": kind, "name_": name},
                )
            ]
            shares = _shares(picked.turns_of(keys)[:, 2 + STAGES.index(stage)])
        by_provider.append(
            {
                "kind": kind,
                "name": name,
                "calls": calls,
                "known_usd": round(usd or 0.0, 6),
                "unpriced_calls": unpriced,
                "stage": stage,
                **shares,
            }
        )
    return by_provider


def _slowest(index: IndexFile, picked: _Calls) -> list[dict[str, Any]]:
    rows = np.argsort(-picked.turns[:, _GAP], kind="stable")[:SLOWEST]
    keys = [int(picked.owners[row]) for row in rows]
    marks = ", ".join("?" * len(keys))
    calls = {
        key: (call_id, started_at)
        for key, call_id, started_at in index.rows(
            f"SELECT key, id, started_at FROM calls WHERE key IN ({marks})", keys
        )
    }
    return [
        {
            "id": calls[key][0],
            "started_at": calls[key][1],
            "turn": int(picked.turns[row, 0]),
            "gap_ms": int(picked.turns[row, _GAP]),
            "stages": {
                stage: int(ms)
                for stage, ms in zip(STAGES, picked.turns[row, 2:], strict=True)
                if ms > 0
            },
        }
        for row, key in zip(rows, keys, strict=True)
        # One that was erased a moment ago is there no more.
        if key in calls
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
