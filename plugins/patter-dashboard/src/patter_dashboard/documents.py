"""What API v1 reads: the records below a log root, through the index, or a store in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import attrs

import patter_dashboard.listing as listing
from patter_dashboard._work import Work
from patter_dashboard.documented import Record, aggregates, record_in
from patter_dashboard.filters import Filters
from patter_dashboard.index_file import IndexFile
from patter_dashboard.live import LiveCalls
from patter_dashboard.removed import remove
from patter_dashboard.store import CallsStore
from patter_dashboard.sweep import CALLS

CHUNK = 200


class Documents(Protocol):
    """Calls as API v1 writes them; numbers are masked by whoever answers."""

    async def newest(self, limit: int, offset: int) -> tuple[list[Record], int]:
        """Some calls that are over, the newest first, and how many there are."""
        ...

    async def one(self, call_id: str) -> Record | None: ...

    async def active(self) -> list[Record]: ...

    async def totals(self, since_ms: int | None = None, until_ms: int | None = None) -> Record:
        """Aggregates over the calls that began in between."""
        ...

    def between(self, since_ms: int | None, until_ms: int | None) -> AsyncIterator[list[Record]]:
        """The calls that began in between, some at a time."""
        ...

    async def delete(self, call_ids: Sequence[str]) -> list[str]: ...


@attrs.frozen(eq=False)
class StoreDocuments:
    """Those of a store, which answers at once."""

    store: CallsStore

    async def newest(self, limit: int, offset: int) -> tuple[list[Record], int]:
        return self.store.get_calls(limit, offset), self.store.call_count

    async def one(self, call_id: str) -> Record | None:
        return self.store.get_call(call_id)

    async def active(self) -> list[Record]:
        return self.store.get_active_calls()

    async def totals(self, since_ms: int | None = None, until_ms: int | None = None) -> Record:
        if since_ms is None and until_ms is None:
            return self.store.get_aggregates()
        records = self.store.get_calls_in_range(_s(since_ms), _s(until_ms))
        return aggregates(records, len(self.store.get_active_calls()))

    async def between(
        self, since_ms: int | None, until_ms: int | None
    ) -> AsyncIterator[list[Record]]:
        yield self.store.get_calls_in_range(_s(since_ms), _s(until_ms))

    async def delete(self, call_ids: Sequence[str]) -> list[str]:
        return self.store.delete_calls(call_ids)


@attrs.frozen(eq=False)
class StoredDocuments:
    """Those of the records below the root of *index*; *live* has the calls that go on here."""

    index: IndexFile
    work: Work
    live: LiveCalls

    async def newest(self, limit: int, offset: int) -> tuple[list[Record], int]:
        return await self.work.answer(self._newest, limit, offset)

    async def one(self, call_id: str) -> Record | None:
        return await self.work.answer(self._one, call_id) or self._going_on(call_id)

    async def active(self) -> list[Record]:
        calls = await self.work.answer(
            self._places, "outcome = 'live' ORDER BY started DESC LIMIT 1000", ()
        )
        stored = {record["call_id"]: record for record in await self.work.answer(self._read, calls)}
        here = {call_id: self._going_on(call_id) for call_id in self.live.calls}
        return [record for record in {**stored, **here}.values() if record is not None]

    async def totals(self, since_ms: int | None = None, until_ms: int | None = None) -> Record:
        active = len(await self.active())
        return await self.work.answer(self._totals, since_ms, until_ms, active)

    async def between(
        self, since_ms: int | None, until_ms: int | None
    ) -> AsyncIterator[list[Record]]:
        places = await self.work.answer(self._between, since_ms, until_ms)
        for at in range(0, len(places), CHUNK):
            yield await self.work.answer(self._read, places[at : at + CHUNK])

    async def delete(self, call_ids: Sequence[str]) -> list[str]:
        return await self.work.answer(remove, self.index, call_ids)

    def _newest(self, limit: int, offset: int) -> tuple[list[Record], int]:
        over = "status = 'completed' AND erased = 0 AND deleted = 0"
        places = self._places(
            f"{over} ORDER BY started DESC, key DESC LIMIT ? OFFSET ?", (limit, offset)
        )
        return self._read(places), self.index.value(f"SELECT count(*) FROM calls WHERE {over}")

    def _one(self, call_id: str) -> Record | None:
        place = listing.place_in(self.index, call_id)
        return record_in(self.index.root / CALLS / place) if place else None

    def _between(self, since_ms: int | None, until_ms: int | None) -> list[str]:
        condition = _range(since_ms, until_ms).condition()
        sql = (
            f"SELECT c.place FROM calls c WHERE {condition.sql} AND c.erased = 0 "
            "AND c.status = 'completed' ORDER BY c.started DESC, c.key DESC"
        )
        return [place for (place,) in self.index.rows(sql, dict(condition.values))]

    def _places(self, where: str, values: Sequence[Any]) -> list[str]:
        sql = f"SELECT place FROM calls WHERE {where}"
        return [place for (place,) in self.index.rows(sql, values)]

    def _read(self, places: Sequence[str]) -> list[Record]:
        records = (record_in(self.index.root / CALLS / place) for place in places)
        return [record for record in records if record is not None]

    def _totals(self, since_ms: int | None, until_ms: int | None, active: int) -> Record:
        condition = _range(since_ms, until_ms).condition()
        where = f"WHERE {condition.sql} AND c.erased = 0 AND c.status = 'completed'"
        values = dict(condition.values)
        sums = self.index.rows(
            "SELECT count(*), sum(c.cost_usd), avg(c.duration_ms), sum(c.cost_stt), "
            "sum(c.cost_tts), sum(c.cost_llm), sum(c.cost_telephony), "
            "sum(c.cost_usd IS NULL), 1.0 * sum(c.response_ms) / nullif(sum(c.answers), 0) "
            f"FROM calls c {where}",
            values,
        )[0]
        parts = dict(zip(("stt", "tts", "llm", "telephony"), sums[3:7], strict=True))
        return aggregates((), active) | {
            "total_calls": sums[0],
            "total_cost": round(sums[1] or 0.0, 6),
            "avg_duration": round((sums[2] or 0.0) / 1_000, 2),
            "avg_latency_ms": round(sums[8] or 0.0, 1),
            "cost_breakdown": {name: round(usd or 0.0, 6) for name, usd in parts.items()},
            "unpriced_calls": sums[7] or 0,
        }

    def _going_on(self, call_id: str) -> Record | None:
        if (call := self.live.calls.get(call_id)) is None:
            return None
        return {
            "call_id": call_id,
            **{name: call.about[name] for name in ("caller", "callee", "direction", "started_at")},
            "status": "in-progress",
            "ended_at": None,
            "transcript": [
                {"role": _ROLES[each["role"]], "text": each["text"], "turnIndex": each["turn"]}
                for each in call.lines
            ],
            "turns": [],
            "metrics": None,
        }


_ROLES = {"caller": "user", "agent": "assistant"}


def _range(since_ms: int | None, until_ms: int | None) -> Filters:
    values = {"from": since_ms, "to": until_ms}
    return Filters({name: value for name, value in values.items() if value is not None})


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1_000
