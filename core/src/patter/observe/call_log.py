"""The record of a call: every event, a JSON line each, written on a thread of its own.

`note` is synchronous and never waits; what a stalled disk leaves no room for is counted and
the record says so. A record gets its final name when it is complete.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import attrs
from msgspec.structs import replace

from patter.env import read
from patter.errors import InputError
from patter.observe.codec import decode_line, encode_line, stamped
from patter.observe.events import CallEvent, Note, Started
from patter.observe.file_writer import FILE_WRITER, FileWriter, WriteQueue
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
class CallLogWriter:
    """Writes the events of one call to ``call.jsonl`` in *directory*.

    A listener of its events. End it with `finish` (or `end`, which does not wait).
    """

    directory: Path
    redaction: Redaction = Redaction.FULL
    file_writer: FileWriter = FILE_WRITER
    _queue: WriteQueue[bytes] = attrs.field(init=False)
    _numbers: tuple[str, ...] = attrs.field(default=(), init=False)
    _last: tuple[str, int, int] = attrs.field(default=("", 0, 0), init=False)
    _reported: int = attrs.field(default=0, init=False)
    _file: int = attrs.field(default=-1, init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = self.file_writer.queue(self._write, self._close, LINES_WAITING)

    def __call__(self, event: CallEvent) -> None:
        self.note(event)

    def note(self, event: CallEvent) -> None:
        """Take *event* for the record; never waits, never raises for what is in it."""
        if isinstance(event, Started) and self.redaction is not Redaction.FULL:
            event = self._without_parties(event)
        self._last = (event.call, event.seq, event.at_ms)
        # Room for two: with only one left, the note would push out the event it precedes.
        if self._queue.dropped > self._reported and self._queue.room > 1:
            self._queue.put(self._overflow())
            self._reported = self._queue.dropped
        self._queue.put(_line(event))

    @property
    def dropped(self) -> int:
        """Events that found no room."""
        return self._queue.dropped

    @property
    def path(self) -> Path:
        """The finished record."""
        return self.directory / NAME

    def end(self) -> None:
        """Let the record be completed; returns at once."""
        self.file_writer.end(self._queue)

    async def finish(self, within_s: float = CLOSE_S) -> bool:
        """Complete the record; False when the disk took longer (it goes on meanwhile)."""
        return await self.file_writer.finish(self._queue, within_s)

    def join(self, within_s: float = CLOSE_S) -> None:
        """Wait, blocking, until the record is complete. Raises TimeoutError."""
        self.end()
        self._queue.done.result(within_s)

    def _without_parties(self, event: Started) -> Started:
        """The first event with its parties redacted, whatever they are: numbers or names."""
        parties = {"caller": event.caller, "callee": event.callee}
        # Only what looks like a number is sought in later events: a caller named "turn"
        # must not cost every line its turn.
        self._numbers = tuple(name for name in parties.values() if sum(map(str.isdigit, name)) > 5)
        hidden = {who: redacted(name, self.redaction) for who, name in parties.items()}
        return replace(event, **hidden)

    def _write(self, lines: list[bytes]) -> None:
        if self._file < 0:
            self._file = self._open()
        body = b"\n".join(lines) + b"\n"
        # Here, on the writing thread, the search costs the call nothing.
        if self.redaction is not Redaction.FULL:
            body = redact_text(body.decode(), self.redaction, self._numbers).encode()
        view = memoryview(body)
        # os.write may take less than it was given.
        while view:
            view = view[os.write(self._file, view) :]

    def _open(self) -> int:
        make_private(self.directory)
        path = self.directory / UNFINISHED
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)

    def _close(self) -> None:
        if self._queue.dropped > self._reported:
            self._write([self._overflow()])
        if self._file >= 0:
            # Before the rename: what has the final name must be whole after a power cut, too.
            os.fsync(self._file)
            os.close(self._file)
            (self.directory / UNFINISHED).replace(self.path)

    def _overflow(self) -> bytes:
        call, seq, at_ms = self._last
        missing = self._queue.dropped - self._reported
        note = Note(what="record_overflow", text=f"{missing} events are missing before this")
        return encode_line(stamped(note, call, seq, at_ms))


@attrs.frozen(kw_only=True)
class CallLog:
    """Where this process keeps its records, and how."""

    root: Path
    redaction: Redaction = Redaction.FULL
    retention_days: int = 30
    file_writer: FileWriter = FILE_WRITER

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

    def open(self, call_id: str, wall: float, chance: float | None = None) -> CallLogWriter:
        """Begin the record of a call at *wall* (seconds since 1970); nothing is awaited.

        One call in fifty also deletes what has expired; *chance* (0 to 1) decides.
        """
        if (random.random() if chance is None else chance) < SWEEP_SHARE:
            today = datetime.fromtimestamp(wall, UTC).date()
            self.file_writer.run(lambda: sweep(self.root, today, self.retention_days))
        return CallLogWriter(
            call_directory(self.root, call_id, wall), self.redaction, self.file_writer
        )


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
    path.write_bytes(b"".join(encode_line(event) + b"\n" for event in events))


def _line(event: CallEvent) -> bytes:
    try:
        return encode_line(event)
    except (TypeError, ValueError, RecursionError) as error:
        note = Note(what="unrecordable", text=f"{type(event).__name__}: {error}")
        return encode_line(stamped(note, event.call, event.seq, event.at_ms))


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    finished = path / NAME
    return finished if finished.exists() else path / UNFINISHED


def _event(path: Path, number: int, line: bytes) -> CallEvent:
    try:
        return decode_line(line)
    except InputError as error:
        raise InputError(f"{path} line {number}: {error.message}", fix=error.fix) from error


def _if_whole(line: bytes) -> list[CallEvent]:
    """The event of a last line without an end; none when it was cut off."""
    try:
        return [decode_line(line)]
    except InputError:
        return []
