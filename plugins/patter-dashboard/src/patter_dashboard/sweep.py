"""Brings the index up to date with the records: new, changed and erased calls, a day at a time.

A call's directory changes its time when a file in it comes, goes or gets its name, which is all
that can happen to a finished call. Of one that goes on it is asked each time whether somebody still
writes it. Blocks: for a worker thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import attrs

from patter.errors import PatterError
from patter.observe.call_log import read_record
from patter.observe.record_files import NAME
from patter.observe.recorder import NAME as RECORDING
from patter.observe.stored_calls import TOMBSTONE, StoredCall, stored_call
from patter_dashboard.index_file import IndexFile
from patter_dashboard.rows import CallRows, erased_rows, events_of, rows_of

BATCH = 100
"""Calls in one transaction; between two, other processes get to write."""
CALLS = "calls"
log = logging.getLogger("patter.dashboard")


@attrs.frozen
class Swept:
    """What a sweep found: how many calls there are, and the ids that are new or gone."""

    total: int = 0
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@attrs.define(eq=False)
class Sweep:
    """One walk over the records of *index*; *progress(indexed, found)* hears of each batch.

    *stopped()* says that nobody wants the rest any more.
    """

    index: IndexFile
    progress: Callable[[int, int], None] = lambda *_: None
    stopped: Callable[[], bool] = lambda: False
    _changed: list[str] = attrs.field(factory=list, init=False)
    _gone: list[str] = attrs.field(factory=list, init=False)
    _erased: bool = attrs.field(default=False, init=False)
    _count: int = attrs.field(default=0, init=False)

    def run(self, days: int = 0) -> Swept:
        """Look at the newest *days* days, or at all with 0."""
        there = sorted(_days(self.index.root), reverse=True)
        if days:
            there = there[:days]
            for day in there:
                self._day(day, self.index.signs(day))
        else:
            self._all(there)
        if self._erased:
            self.index.overwrite()
        return Swept(self._count, tuple(self._changed), tuple(self._gone))

    def _all(self, there: list[str]) -> None:
        signs = self.index.signs()
        by_day: dict[str, dict[str, tuple[int, str]]] = {day: {} for day in there}
        for place, sign in signs.items():
            by_day.setdefault(place.rpartition("/")[0], {})[place] = sign
        for day in sorted(by_day, reverse=True):
            if self.stopped():
                return
            self._day(day, by_day[day])

    def _day(self, day: str, signs: dict[str, tuple[int, str]]) -> None:
        there = dict(_calls(self.index.root, day))
        self._count += len(there)
        gone = [place for place in signs if place not in there]
        self.index.drop(gone)
        self._gone += [place.rpartition("/")[2] for place in gone]
        todo = [place for place in there if _is_due(signs.get(place), there[place])]
        for at in range(0, len(todo), BATCH):
            if self.stopped():
                return
            self._batch([(place, there[place]) for place in todo[at : at + BATCH]], signs)

    def _batch(self, places: list[tuple[str, int]], signs: dict[str, tuple[int, str]]) -> None:
        read = [(place, sign, self._read(place)) for place, sign in places]
        new = [(place, sign, rows) for place, sign, rows in read if rows is not None]
        self.index.put(new)
        for place, _, rows in new:
            erased = bool(rows.columns["erased"])
            self._erased = self._erased or (erased and place in signs)
            status = rows.columns["status"]
            if place not in signs or signs[place][1] != status or status == "completed":
                self._changed.append(rows.columns["id"])
        self.progress(len(new), self._count)

    def _read(self, place: str) -> CallRows | None:
        """The rows of the call at *place*; None when there is none, or it cannot be read."""
        directory = self.index.root / CALLS / place
        try:
            return _rows(directory)
        except (OSError, PatterError) as problem:
            log.debug("the call in %s is not indexed: %s", directory, problem)
            return None


def after_erasure(root: Path) -> None:
    """Let the index below *root*, if there is one, forget what was erased."""
    index = IndexFile(root)
    if index.path.exists():
        index.prepare()
        try:
            Sweep(index).run()
        finally:
            index.close()


def _rows(directory: Path) -> CallRows | None:
    recorded = (directory / RECORDING).exists()
    if not (directory / TOMBSTONE).exists():
        if (record := directory / NAME).exists():
            return rows_of(directory.name, events_of(record), recorded=recorded)
        events = read_record(directory)
        live = StoredCall(directory, {}).live
        return rows_of(directory.name, events, recorded=recorded, live=live)
    call = stored_call(directory)
    if call is None:
        return None
    return erased_rows(call.call_id, call.started_at, _ms(call.started_at))


def _ms(started_at: str) -> int:
    try:
        return round(datetime.fromisoformat(started_at).timestamp() * 1_000)
    except ValueError:
        return 0


def _is_due(entry: tuple[int, str] | None, sign: int) -> bool:
    return entry is None or entry[0] != sign or entry[1] != "completed"


def _days(root: Path) -> Iterator[str]:
    for day in (root / CALLS).glob("[0-9]*/[0-9]*/[0-9]*"):
        if day.is_dir():
            yield day.relative_to(root / CALLS).as_posix()


def _calls(root: Path, day: str) -> Iterator[tuple[str, int]]:
    """Each call of *day*: its place, and its sign."""
    try:
        with os.scandir(root / CALLS / day) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield f"{day}/{entry.name}", entry.stat(follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        # Retention has just taken it.
        return
