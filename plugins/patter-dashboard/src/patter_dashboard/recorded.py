"""The records and files of single calls, found by id; the last few that were read are kept.

Blocks: for a worker thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

import patter_dashboard.listing as listing
from patter.errors import InputError
from patter.observe.call_log import read_record
from patter.observe.events import CallEvent
from patter.observe.record_files import NAME
from patter.observe.recorder import NAME as RECORDING
from patter.observe.stored_calls import TOMBSTONE
from patter_dashboard._http import NotFound
from patter_dashboard.index_file import IndexFile
from patter_dashboard.rows import events_of
from patter_dashboard.sweep import CALLS

KEPT, LARGEST = 4, 20_000_000
"""Records that are kept when they were read, and bytes of one that is."""
_FIX = "see the list of calls"


@attrs.define(eq=False)
class RecordedCalls:
    """The calls below the root of *index*."""

    index: IndexFile
    _events: OrderedDict[tuple[Path, int, int], Sequence[CallEvent]] = attrs.field(
        factory=OrderedDict, init=False
    )
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def row(self, call_id: str) -> dict[str, Any]:
        """The call as a list has it. Raises NotFound."""
        row = listing.call_of(self.index, call_id)
        if row is None:
            raise NotFound(f"there is no call {call_id!r}", fix=_FIX)
        return row

    def directory(self, call_id: str) -> Path:
        """Where the files of the call are. Raises NotFound; also when it was erased."""
        place = listing.place_in(self.index, call_id)
        directory = self.index.root / CALLS / place if place else None
        if directory is None or not directory.is_dir():
            raise NotFound(f"there is no call {call_id!r}", fix=_FIX)
        if (directory / TOMBSTONE).exists():
            raise NotFound(f"call {call_id} was erased", fix=_FIX)
        return directory

    def events(self, call_id: str) -> Sequence[CallEvent]:
        """Its events, without steps of the turn engine. Raises NotFound, InputError."""
        directory = self.directory(call_id)
        record = directory / NAME
        if not record.exists():
            return _unfinished(directory)
        status = record.stat()
        key = (record, status.st_mtime_ns, status.st_size)
        with self._lock:
            if key in self._events:
                self._events.move_to_end(key)
                return self._events[key]
        events = events_of(record)
        if status.st_size <= LARGEST:
            with self._lock:
                self._events[key] = events
                while len(self._events) > KEPT:
                    self._events.popitem(last=False)
        return events

    def forget(self) -> None:
        """Keep nothing of what was read: calls may have been erased."""
        with self._lock:
            self._events.clear()

    def recording(self, call_id: str) -> Path:
        """Its WAV. Raises NotFound."""
        path = self.directory(call_id) / RECORDING
        if not path.exists():
            raise NotFound(f"call {call_id} was not recorded", fix="serve(local_recording=True)")
        return path


def _unfinished(directory: Path) -> Sequence[CallEvent]:
    try:
        return read_record(directory)
    except InputError as missing:
        raise NotFound(missing.message, fix=missing.fix) from missing
