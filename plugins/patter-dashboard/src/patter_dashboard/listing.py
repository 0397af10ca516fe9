"""Pages of calls out of the index, as the API has them; numbers masked. Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from patter_dashboard.filters import Filters, after, cursor_of, iso
from patter_dashboard.index_file import IndexFile
from patter_dashboard.masking import hidden, masked, parties
from patter_dashboard.rows import COLUMNS

PAGE, LARGEST = 50, 100
COUNTED = 10_000
"""Counting ends here: whoever sees so many needs a filter, not a number."""
CHUNK = 500
_BEGIN, _END = "\x02", "\x03"
_COLUMNS = ", ".join(f"c.{name}" for name in ("key", *COLUMNS))


@attrs.frozen
class Page:
    """Some calls, where the next begin, and how many there are in all."""

    data: list[dict[str, Any]]
    next: str | None
    total: int
    more_than: bool


def page(index: IndexFile, filters: Filters, cursor: str, limit: int) -> Page:
    """The calls that *filters* mean, the newest first, after *cursor*. Raises InputError."""
    condition = filters.condition()
    rows = _page_rows(index, filters, after(cursor), limit + 1)
    further = len(rows) > limit
    rows = rows[:limit]
    counted = index.value(
        f"SELECT count(*) FROM (SELECT 1 FROM calls c WHERE {condition.sql} LIMIT {COUNTED + 1})",
        dict(condition.values),
    )
    data = calls(index, rows, condition.match)
    following = cursor_of(rows[-1][COLUMNS.index("started") + 1], rows[-1][0]) if further else None
    return Page(data, following, min(counted, COUNTED), counted > COUNTED)


def everything(index: IndexFile, filters: Filters) -> Iterator[list[dict[str, Any]]]:
    """All calls that *filters* mean, a few hundred at a time."""
    position: tuple[int, int] | None = None
    while rows := _page_rows(index, filters, position, CHUNK):
        yield calls(index, rows, "")
        position = rows[-1][COLUMNS.index("started") + 1], rows[-1][0]


def call_of(index: IndexFile, call_id: str) -> dict[str, Any] | None:
    """The call *call_id*, shown or not; None when there is none."""
    rows = index.rows(
        f"SELECT {_COLUMNS} FROM calls c WHERE c.id = ? ORDER BY c.started DESC LIMIT 1", (call_id,)
    )
    page = calls(index, rows, "")
    return page[0] if page else None


def place_in(index: IndexFile, call_id: str) -> str | None:
    """Where the call is below the root; None when it is not known."""
    place: str | None = index.value(
        "SELECT place FROM calls WHERE id = ? ORDER BY started DESC LIMIT 1", (call_id,)
    )
    return place


def facets(index: IndexFile) -> dict[str, Any]:
    """What filters can be set to."""
    counted = "count(*) AS n FROM calls c WHERE c.deleted = 0"
    names = {
        "outcomes": f"SELECT c.outcome, {counted} GROUP BY 1",
        "agents": f"SELECT c.agent, {counted} AND c.agent <> '' GROUP BY 1",
        "tools": "SELECT name, count(DISTINCT call) AS n FROM tools GROUP BY 1",
        "errors": "SELECT code, count(DISTINCT call) AS n FROM failures GROUP BY 1",
    }
    values: dict[str, Any] = {
        name: [{"name": each, "calls": n} for each, n in index.rows(f"{sql} ORDER BY n DESC")]
        for name, sql in names.items()
    }
    values["providers"] = [
        {"name": name, "kind": kind, "calls": n}
        for name, kind, n in index.rows(
            "SELECT name, kind, count(*) AS n FROM providers GROUP BY 1, 2 ORDER BY n DESC"
        )
    ]
    oldest = index.value("SELECT min(started) FROM calls WHERE deleted = 0")
    return values | {"oldest": None if oldest is None else iso(oldest)}


def calls(index: IndexFile, rows: Sequence[Sequence[Any]], match: str) -> list[dict[str, Any]]:
    """*rows* of the index as the API writes calls; *match* is what was searched in words."""
    keys = [row[0] for row in rows]
    tools = _lists(index, "SELECT call, name FROM tools", keys)
    failures = _lists(index, "SELECT DISTINCT call, code FROM failures", keys)
    passages = _passages(index, rows, match) if match else {}
    return [
        _call(dict(zip(COLUMNS, row[1:], strict=True)))
        | {"tools": tools.get(row[0], []), "errors": failures.get(row[0], [])}
        | {"found": passages.get(row[0]) if match else None}
        for row in rows
    ]


def _page_rows(
    index: IndexFile, filters: Filters, position: tuple[int, int] | None, limit: int
) -> list[Sequence[Any]]:
    condition = filters.condition()
    values = {**condition.values, "limit": limit}
    later = "1"
    if position is not None:
        later = "(c.started, c.key) < (:at, :after)"
        values |= {"at": position[0], "after": position[1]}
    return index.rows(
        f"SELECT {_COLUMNS} FROM calls c WHERE {condition.sql} AND {later} "
        "ORDER BY c.started DESC, c.key DESC LIMIT :limit",
        values,
    )


def _lists(index: IndexFile, sql: str, keys: Sequence[int]) -> dict[int, list[str]]:
    lists: dict[int, list[str]] = {}
    marks = ", ".join("?" * len(keys))
    for call, name in index.rows(f"{sql} WHERE call IN ({marks})", keys):
        lists.setdefault(call, []).append(name)
    return lists


def _passages(
    index: IndexFile, rows: Sequence[Sequence[Any]], match: str
) -> dict[int, list[dict[str, Any]]]:
    """Where what was searched stands, with a few words around it."""
    caller, callee = COLUMNS.index("caller") + 1, COLUMNS.index("callee") + 1
    names = {row[0]: parties(row[caller], row[callee]) for row in rows}
    keys = [*names]
    marks = ", ".join(f":k{at}" for at in range(len(keys)))
    values = {f"k{at}": key for at, key in enumerate(keys)} | {"match": match}
    sql = (
        f"SELECT rowid, snippet(words, 0, '{_BEGIN}', '{_END}', '…', 12) FROM words "
        f"WHERE words MATCH :match AND rowid IN ({marks})"
    )
    return {
        key: parts(masked(" ".join(text.split()), names[key]))
        for key, text in index.rows(sql, values)
    }


def parts(marked: str) -> list[dict[str, Any]]:
    """*marked* text as pieces, those between marks being hits."""
    pieces = []
    for at, text in enumerate(marked.replace(_END, _BEGIN).split(_BEGIN)):
        if text:
            pieces.append({"text": text, "hit": at % 2 == 1})
    return pieces


def _call(row: Mapping[str, Any]) -> dict[str, Any]:
    caller, callee = hidden(row["caller"]), hidden(row["callee"])
    return {
        "id": row["id"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "duration_ms": row["duration_ms"],
        "direction": row["direction"],
        "caller": caller,
        "callee": callee,
        "number": callee if row["direction"] == "outbound" else caller,
        "agent": row["agent"],
        "carrier": row["carrier"],
        "status": row["status"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "live": row["outcome"] == "live",
        "erased": bool(row["erased"]),
        "turns": row["turns"],
        "interruptions": row["interruptions"],
        "gap_p50_ms": row["gap_p50_ms"],
        "gap_p95_ms": row["gap_p95_ms"],
        "gap_max_ms": row["gap_max_ms"],
        "cost_usd": row["cost_usd"],
        "unpriced": [each for each in row["unpriced"].split("\n") if each],
        "recorded": bool(row["recorded"]),
        "first_words": row["first_words"],
    }
