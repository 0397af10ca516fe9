"""Where API v1 gets its calls from: a protocol, and the store of the newest 500 in memory.

A store is asked on the event loop and answers at once. One of one's own goes to `mount_dashboard`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import attrs

from patter.aio import Full, Mailbox
from patter_dashboard.documented import TERMINAL, Record, aggregates, record_in

MAX_CALLS = 500
QUEUE = 100
SUBSCRIBERS = 200
LINES = 5_000
"""Lines and turns kept of one call."""
Events = Mailbox[Record]
log = logging.getLogger("patter.dashboard")


class CallsStore(Protocol):
    """Keeps calls for API v1. *data* are the documents' fields; `call_id` must be there."""

    @property
    def call_count(self) -> int: ...

    def record_call_initiated(self, data: Mapping[str, Any]) -> None: ...

    def record_call_start(self, data: Mapping[str, Any]) -> None: ...

    def record_transcript_line(self, data: Mapping[str, Any]) -> None: ...

    def record_turn(self, data: Mapping[str, Any]) -> None: ...

    def record_call_end(
        self, data: Mapping[str, Any], metrics: Mapping[str, Any] | None = None
    ) -> None: ...

    def update_call_status(self, call_id: str, status: str, **extra: Any) -> None: ...

    def get_calls(self, limit: int = 50, offset: int = 0) -> list[Record]: ...

    def get_call(self, call_id: str) -> Record | None: ...

    def get_active_calls(self) -> list[Record]: ...

    def get_aggregates(self) -> Record: ...

    def get_calls_in_range(
        self, from_ts: float | None = None, to_ts: float | None = None
    ) -> list[Record]: ...

    def delete_calls(self, call_ids: Iterable[str]) -> list[str]: ...

    def subscribe(self) -> Events: ...

    def unsubscribe(self, queue: Events) -> None: ...


@attrs.define(eq=False)
class MetricsStore:
    """The newest *max_calls* calls, in memory; those that go on are kept beside them."""

    max_calls: int = attrs.field(default=MAX_CALLS, validator=attrs.validators.ge(1))
    _calls: OrderedDict[str, Record] = attrs.field(factory=OrderedDict, init=False)
    _active: OrderedDict[str, Record] = attrs.field(factory=OrderedDict, init=False)
    _deleted: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)
    _queues: list[Events] = attrs.field(factory=list, init=False)

    @property
    def call_count(self) -> int:
        """How many calls that are over there are."""
        return len(self._calls)

    def record_call_initiated(self, data: Mapping[str, Any]) -> None:
        """A call is being placed."""
        self._begin(data, "initiated")
        self._publish("call_initiated", data)

    def record_call_start(self, data: Mapping[str, Any]) -> None:
        """A call was answered."""
        self._begin(data, "in-progress")
        self._publish("call_start", data)

    def record_transcript_line(self, data: Mapping[str, Any]) -> None:
        """Somebody said something: *data* has `role` and `text`."""
        call = self._active.get(_id(data))
        if call is not None and len(call["transcript"]) < LINES:
            names = ("role", "text", "timestamp", "turnIndex")
            call["transcript"].append({name: data.get(name) for name in names})
            self._publish("transcript_line", data)

    def record_turn(self, data: Mapping[str, Any]) -> None:
        """A turn is over: *data* has `turn`."""
        call = self._active.get(_id(data))
        turn = data.get("turn")
        if call is not None and isinstance(turn, Mapping) and len(call["turns"]) < LINES:
            call["turns"].append(dict(turn))
            self._publish("turn_complete", data)

    def record_call_end(
        self, data: Mapping[str, Any], metrics: Mapping[str, Any] | None = None
    ) -> None:
        """A call is over."""
        call_id = _id(data)
        call = self._active.pop(call_id, None) or _blank(data)
        ended = {"status": data.get("status") or "completed", "ended_at": data.get("ended_at")}
        kept = {name: value for name, value in data.items() if name in call and value is not None}
        self._keep(call_id, call | kept | ended | {"metrics": dict(metrics) if metrics else None})
        self._publish("call_end", {**data, "metrics": metrics})

    def update_call_status(self, call_id: str, status: str, **extra: Any) -> None:
        """The carrier reports *status*; one of `documented.TERMINAL` ends the call."""
        call = self._active.get(call_id) or self._calls.get(call_id)
        if call is None:
            return
        call["status"] = status
        call.update({name: value for name, value in extra.items() if name in call})
        if status in TERMINAL and call_id in self._active:
            self._keep(call_id, self._active.pop(call_id))
        self._publish("call_status", {"call_id": call_id, "status": status, **extra})

    def get_calls(self, limit: int = 50, offset: int = 0) -> list[Record]:
        """The calls that are over, the newest first."""
        newest = [*reversed(self._calls.values())]
        return newest[max(0, offset) :][: max(0, limit)]

    def get_call(self, call_id: str) -> Record | None:
        """One call, over or not; None when it is not known."""
        return self._active.get(call_id) or self._calls.get(call_id)

    def get_active_calls(self) -> list[Record]:
        """The calls that go on."""
        return [*self._active.values()]

    def get_aggregates(self) -> Record:
        """Totals over the calls that are over."""
        return aggregates(self._calls.values(), len(self._active))

    def get_calls_in_range(
        self, from_ts: float | None = None, to_ts: float | None = None
    ) -> list[Record]:
        """Calls that began from *from_ts* on and before *to_ts*, seconds since 1970."""
        low = float("-inf") if from_ts is None else from_ts
        high = float("inf") if to_ts is None else to_ts
        return [each for each in self.get_calls(self.max_calls) if low <= _began(each) < high]

    def delete_calls(self, call_ids: Iterable[str]) -> list[str]:
        """Forget calls that are over; the ids of those that were there."""
        gone = [each for each in dict.fromkeys(call_ids) if self._calls.pop(each, None)]
        for each in gone:
            self._deleted[each] = None
        while len(self._deleted) > self.max_calls:
            self._deleted.popitem(last=False)
        if gone:
            self._publish("calls_deleted", {"call_ids": gone})
        return gone

    def subscribe(self) -> Events:
        """A queue of events: each has `type` and `data`. It is closed when it is not read."""
        queue: Events = Mailbox(QUEUE, Full.REFUSE)
        if len(self._queues) < SUBSCRIBERS:
            self._queues.append(queue)
        else:
            queue.close()
        return queue

    def unsubscribe(self, queue: Events) -> None:
        """Put nothing more into *queue*."""
        queue.close()
        self._queues = [each for each in self._queues if each is not queue]

    def hydrate(self, log_root: str | Path | None) -> int:
        """Take over the newest calls below *log_root*; how many are new. Blocks.

        Calls that are here, or were deleted, are left out, and so is what cannot be read.
        """
        if log_root is None:
            return 0
        new: list[Record] = []
        for record in stored_records(Path(log_root)):
            if len(new) == self.max_calls:
                break
            call_id = record["call_id"]
            stores = (self._calls, self._active, self._deleted)
            if record["ended_at"] and not any(call_id in each for each in stores):
                new.append(record)
        ordered = sorted([*self._calls.values(), *new], key=_began)[-self.max_calls :]
        self._calls = OrderedDict((each["call_id"], each) for each in ordered)
        return sum(each["call_id"] in self._calls for each in new)

    async def hydrate_async(self, log_root: str | Path | None) -> int:
        """As `hydrate`, on a thread."""
        return await asyncio.to_thread(self.hydrate, log_root)

    def _begin(self, data: Mapping[str, Any], status: str) -> None:
        call_id = _id(data)
        if call_id in self._calls:
            return
        call = self._active.setdefault(call_id, _blank(data))
        call.update({name: value for name, value in data.items() if name in call and value})
        call["status"] = data.get("status") or status
        while len(self._active) > self.max_calls:
            self._active.popitem(last=False)

    def _keep(self, call_id: str, call: Record) -> None:
        self._calls.pop(call_id, None)
        self._calls[call_id] = call
        while len(self._calls) > self.max_calls:
            self._calls.popitem(last=False)

    def _publish(self, kind: str, data: Mapping[str, Any]) -> None:
        for queue in self._queues:
            if not queue.put({"type": kind, "data": dict(data)}):
                queue.close()


def stored_records(root: Path) -> Iterable[Record]:
    """The calls below *root*, the newest day first. Blocks."""
    for day in sorted((root / "calls").glob("*/*/*"), reverse=True):
        if not day.is_dir():
            continue
        records = []
        for directory in day.iterdir():
            record = record_in(directory)
            if record is None or _began(record) < 0:
                log.debug("the call in %s is not taken over", directory)
            else:
                records.append(record)
        yield from sorted(records, key=_began, reverse=True)


def _blank(data: Mapping[str, Any]) -> Record:
    texts = {name: str(data.get(name) or "") for name in ("caller", "callee", "direction")}
    return {
        "call_id": _id(data),
        **texts,
        "status": "",
        "started_at": data.get("started_at"),
        "ended_at": None,
        "transcript": [],
        "turns": [],
        "metrics": None,
    }


def _id(data: Mapping[str, Any]) -> str:
    return str(data.get("call_id") or "")


def _began(record: Mapping[str, Any]) -> float:
    """When it began, in seconds since 1970; -1 when that cannot be read."""
    began = record.get("started_at")
    if isinstance(began, int | float):
        return float(began)
    try:
        return datetime.fromisoformat(str(began)).timestamp()
    except ValueError:
        return -1.0
