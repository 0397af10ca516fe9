"""The calls of a log root, for who reads them: a command, a page, a script of one's own.

    for call in calls_in(Path("~/.local/share/patter").expanduser()):
        print(call.call_id, call.metadata["outcome"], len(call.events()))

What cannot be read is left out, and named in the log. Blocks: for a thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import orjson

from patter.errors import PatterError
from patter.observe.call_files import METADATA
from patter.observe.call_log import read_record
from patter.observe.documents import IN_PROGRESS, metadata
from patter.observe.events import CallEvent
from patter.observe.file_lock import is_held
from patter.observe.record_files import NAME, RINGING, UNFINISHED
from patter.observe.recorder import NAME as RECORDING

TOMBSTONE = "erased.json"
"""What is left of a call that was erased: its id and its times."""
log = logging.getLogger("patter.observe")


@attrs.frozen
class StoredCall:
    """One call on the disk. *metadata* is that of `metadata.json`; of an erased one, its tombstone.

    *call_id* is the name of its directory: of two calls of one id, the second has ``ID-2``.
    """

    directory: Path
    metadata: Mapping[str, Any]
    erased: bool = False

    @property
    def call_id(self) -> str:
        """By what it is named here."""
        return self.directory.name

    @property
    def started_at(self) -> str:
        """When it began: ISO 8601, UTC, with milliseconds; sorts as text."""
        return str(self.metadata.get("started_at") or "")

    @property
    def live(self) -> bool:
        """Is a process writing its record now?"""
        return any(is_held(self.directory / name) for name in (UNFINISHED, RINGING))

    @property
    def recording(self) -> Path | None:
        """Its stereo WAV, caller left, if there is one."""
        path = self.directory / RECORDING
        return path if path.exists() else None

    def events(self) -> list[CallEvent]:
        """Its record; none when it was erased. Raises InputError."""
        return [] if self.erased else read_record(self.directory)


def calls_in(root: Path) -> Iterator[StoredCall]:
    """The calls below the log root *root*, the newest first; a day at a time is looked at."""
    for day in sorted((root / "calls").glob("*/*/*"), reverse=True):
        if not day.is_dir():
            continue
        calls = [call for each in day.iterdir() if (call := stored_call(each)) is not None]
        yield from sorted(calls, key=lambda call: (call.started_at, call.call_id), reverse=True)


def stored_call(directory: Path) -> StoredCall | None:
    """The call in *directory*; None when there is none, or it cannot be read."""
    if (tombstone := _read(directory / TOMBSTONE)) is not None:
        return StoredCall(directory, tombstone, erased=True)
    # A process may have been killed before it wrote the file anew.
    if (document := _read(directory / METADATA)) is not None and _is_current(directory, document):
        return StoredCall(directory, document)
    try:
        events = read_record(directory)
    except (OSError, PatterError) as problem:
        if directory.is_dir():
            log.debug("the call in %s cannot be read: %s", directory, problem)
        return None
    recording = RECORDING if (directory / RECORDING).exists() else ""
    return StoredCall(directory, metadata(events, recording)) if events else None


def _is_current(directory: Path, document: Mapping[str, Any]) -> bool:
    return document.get("status") != IN_PROGRESS or not (directory / NAME).exists()


def _read(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        document = orjson.loads(path.read_bytes())
        return document if isinstance(document, dict) else None
    return None
