"""The record of a call: every event, a JSON line each, written behind the call's back.

`note` is synchronous and never waits; what a stalled disk leaves no room for is counted and
the record says so. A record gets its final name when it is complete.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import orjson

from patter.env import read
from patter.errors import InputError
from patter.observe.background import FILES, Background, Lane
from patter.observe.events import VERSION, CallEvent, EventType
from patter.observe.log_root import (
    FILE_MODE,
    call_directory,
    check_private,
    log_root,
    make_private,
    retention_days,
    sweep,
)
from patter.observe.redact import Redaction, redact_text, redacted

NAME, UNFINISHED = "call.jsonl", "call.jsonl.part"
LINES_WAITING = 5_000
SWEEP_SHARE = 0.02
CLOSE_S = 5.0


@attrs.define(eq=False)
class CallRecord:
    """The record of one call, being written to ``call.jsonl`` in *directory*.

    A journal's listener. End it with `finish` (or `end`, which does not wait).
    """

    directory: Path
    redaction: Redaction = Redaction.FULL
    background: Background = FILES
    _lane: Lane[bytes] = attrs.field(init=False)
    _known: tuple[str, ...] = attrs.field(default=(), init=False)
    _last: tuple[str, int, int] = attrs.field(default=("", 0, 0), init=False)
    _told: int = attrs.field(default=0, init=False)
    _file: int = attrs.field(default=-1, init=False)

    def __attrs_post_init__(self) -> None:
        self._lane = self.background.lane(self._write, self._close, LINES_WAITING)

    def __call__(self, event: CallEvent) -> None:
        self.note(event)

    def note(self, event: CallEvent) -> None:
        """Take *event* for the record; never waits, never raises for what is in it."""
        if event.type is EventType.STARTED and self.redaction is not Redaction.FULL:
            event = self._without_parties(event)
        self._last = (event.call, event.seq, event.at_ms)
        if self._lane.dropped > self._told and self._lane.room > 1:
            self._lane.put(self._confession())
            self._told = self._lane.dropped
        self._lane.put(_line(event))

    @property
    def dropped(self) -> int:
        """Events that found no room."""
        return self._lane.dropped

    @property
    def path(self) -> Path:
        """The finished record."""
        return self.directory / NAME

    def end(self) -> None:
        """Let the record be completed; returns at once."""
        self.background.end(self._lane)

    async def finish(self, within_s: float = CLOSE_S) -> bool:
        """Complete the record; False when the disk took longer (it goes on meanwhile)."""
        return await self.background.ended(self._lane, within_s)

    def join(self, within_s: float = CLOSE_S) -> None:
        """Wait, blocking, until the record is complete. Raises TimeoutError."""
        self.end()
        self._lane.done.result(within_s)

    def _without_parties(self, event: CallEvent) -> CallEvent:
        """The first event with its parties redacted, whatever they are: numbers or names."""
        parties = {who: str(event.data.get(who, "")) for who in ("caller", "callee")}
        # Only what looks like a number is sought in later events: a caller named "turn"
        # must not cost every line its turn.
        self._known = tuple(name for name in parties.values() if sum(map(str.isdigit, name)) > 5)
        hidden = {who: redacted(name, self.redaction) for who, name in parties.items()}
        return attrs.evolve(event, data={**event.data, **hidden})

    def _write(self, lines: list[bytes]) -> None:
        if self._file < 0:
            self._file = self._open()
        body = b"\n".join(lines) + b"\n"
        if self.redaction is not Redaction.FULL:
            body = redact_text(body.decode(), self.redaction, self._known).encode()
        view = memoryview(body)
        while view:
            view = view[os.write(self._file, view) :]

    def _open(self) -> int:
        make_private(self.directory)
        path = self.directory / UNFINISHED
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)

    def _close(self) -> None:
        if self._lane.dropped > self._told:
            self._write([self._confession()])
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            (self.directory / UNFINISHED).replace(self.path)

    def _confession(self) -> bytes:
        call, seq, at_ms = self._last
        missing = self._lane.dropped - self._told
        data = {"what": "record_overflow", "text": f"{missing} events are missing before this"}
        return CallEvent(call, seq, at_ms, EventType.NOTE, data).to_json()


@attrs.frozen(kw_only=True)
class CallLog:
    """Where this process keeps its records, and how."""

    root: Path
    redaction: Redaction = Redaction.FULL
    retention_days: int = 30
    background: Background = FILES

    @classmethod
    def of(cls, persist: bool | str | None) -> CallLog | None:
        """The log that *persist* and the environment ask for; None when off.

        Raises PatterConfigError: others may read the directory, or a variable is wrong.
        """
        root = log_root(persist)
        if root is None:
            return None
        check_private(root)
        return cls(
            root=root,
            redaction=Redaction.read(read("PATTER_LOG_REDACT_PHONE")),
            retention_days=retention_days(read("PATTER_LOG_RETENTION_DAYS")),
        )

    def open(self, call_id: str, wall: float, chance: float | None = None) -> CallRecord:
        """Begin the record of a call at *wall* (seconds since 1970); nothing is awaited.

        One call in fifty also deletes what has expired; *chance* (0 to 1) decides.
        """
        if (random.random() if chance is None else chance) < SWEEP_SHARE:
            today = datetime.fromtimestamp(wall, UTC).date()
            self.background.run(lambda: sweep(self.root, today, self.retention_days))
        return CallRecord(call_directory(self.root, call_id, wall), self.redaction, self.background)


def read_record(path: Path) -> list[CallEvent]:
    """The events of a record, a file or the directory of a call; finished or not.

    A torn last line, as a killed process leaves it, is left out. Raises InputError when
    another line cannot be read, or a newer Patter wrote it.
    """
    lines = _file_of(path).read_bytes().split(b"\n")
    whole, torn = lines[:-1], lines[-1]
    events = [_event(path, number, line) for number, line in enumerate(whole, 1) if line]
    if torn:
        events += _if_whole(torn)
    return events


def write_record(path: Path, events: Iterable[CallEvent]) -> None:
    """Write *events* to *path* at once; for tools, not for calls."""
    path.write_bytes(b"".join(event.to_json() + b"\n" for event in events))


def _line(event: CallEvent) -> bytes:
    try:
        return event.to_json()
    except (TypeError, ValueError) as exc:
        data = {"what": "unrecordable", "text": f"{event.type.value}: {exc}"}
        return attrs.evolve(event, type=EventType.NOTE, data=data).to_json()


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    finished = path / NAME
    return finished if finished.exists() else path / UNFINISHED


def _event(path: Path, number: int, line: bytes) -> CallEvent:
    try:
        body: Any = orjson.loads(line)
        if body["v"] > VERSION:
            raise InputError(
                f"{path} line {number} is of record version {body['v']}, this reads {VERSION}",
                fix="pip install --upgrade patter-core",
            )
        return CallEvent.from_json(line)
    except (ValueError, KeyError, TypeError) as exc:
        if isinstance(exc, InputError):
            raise
        raise InputError(
            f"{path} line {number} is not an event: {exc}", fix="use a copy that is not damaged"
        ) from exc


def _if_whole(line: bytes) -> list[CallEvent]:
    """The event of a last line without an end; none when it was cut off."""
    try:
        return [CallEvent.from_json(line)]
    except (ValueError, KeyError, TypeError):
        return []
