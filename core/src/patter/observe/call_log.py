"""The record of a call: every event, a JSON line each, written on a thread of its own.

`note` is synchronous and never waits; what a stalled disk leaves no room for is counted and
the record says so. A record gets its final name when it is complete.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import attrs
from msgspec.structs import replace

from patter.env import read
from patter.errors import InputError, PatterError
from patter.observe.call_files import write_beginning, write_call_files
from patter.observe.codec import decode_line, encode_line, stamped
from patter.observe.events import CallEvent, Ended, Note, Row, Started, Turn
from patter.observe.file_writer import (
    FILE_WRITER,
    HOUSEKEEPER,
    FileWriter,
    WriteQueue,
    settled,
)
from patter.observe.log_root import call_directory, check_private, log_root, retention_days
from patter.observe.record_files import NAME, RINGING, UNFINISHED, RecordFiles
from patter.observe.redact import Redaction, Redactor
from patter.observe.retention import sweep
from patter.observe.root_secret import redactor_for

LINES_WAITING = 5_000
MOST_BYTES = 64 << 20
"""A longer record goes on with what was said and how the call ended; an hour of talk has 3 MB."""
SWEEP_SHARE = 0.02
CLOSE_S = 5.0
log = logging.getLogger("patter.observe")


@attrs.frozen
class _Announcement:
    """The line of a call that has not begun, and who waits until it is written."""

    line: bytes
    written: Future[None] = attrs.field(factory=Future)


@attrs.define(eq=False)
class CallLogWriter:
    """Writes the events of one call to ``call.jsonl`` in *directory*, or beside one there.

    A listener of its events. End it with `finish` (or `end`, which does not wait). *last* is
    the event it was called with last. With *documents*, the files of `call_files` come beside it.
    """

    _files: RecordFiles = attrs.field(alias="directory", converter=RecordFiles)
    redactor: Redactor = attrs.field(factory=Redactor)
    file_writer: FileWriter = FILE_WRITER
    documents: bool = False
    last: CallEvent | None = attrs.field(default=None, init=False)
    _queue: WriteQueue[bytes | _Announcement] = attrs.field(init=False)
    _announcement: _Announcement | None = attrs.field(default=None, init=False)
    _numbers: tuple[str, ...] = attrs.field(default=(), init=False)
    _reported: int = attrs.field(default=0, init=False)
    _bytes: int = attrs.field(default=0, init=False)
    _begins: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = self.file_writer.queue(self._write, self._close, LINES_WAITING, self._release)

    def __call__(self, event: CallEvent) -> None:
        self.note(event)

    def announce(self, started: Started) -> None:
        """Keep that there is a call, which may never begin; its events, if any, replace it."""
        line = _line(self._without_parties(started))
        self._announcement = _Announcement(line)
        self._queue.put(self._announcement)
        self.file_writer.wake()

    async def announced(self, within_s: float) -> bool:
        """Wait until what was announced is on the disk, or cannot be; False when it took longer."""
        if self._announcement is None:
            return True
        return await settled(self._announcement.written, within_s)

    def note(self, event: CallEvent) -> None:
        """Take *event* for the record; never waits, never raises for what is in it."""
        if isinstance(event, Started):
            event, self._begins = self._without_parties(event), True
        self.last = event
        # Room for two: with only one left, the note would push out the event it precedes.
        if self._queue.dropped > self._reported and self._queue.room > 1:
            self._queue.put(self._overflow())
            self._reported = self._queue.dropped
        self._put(event)

    def _put(self, event: CallEvent) -> None:
        """Pass *event* on to the writing thread; of a record that is full, only its words."""
        full = self._bytes > MOST_BYTES
        if full and not isinstance(event, Row | Turn | Ended):
            return
        line = _line(event)
        self._bytes += len(line) + 1
        self._queue.put(line)
        if not full and self._bytes > MOST_BYTES:
            text = "the record is full: from here on it has what was said, and how the call ended"
            note = Note(what="record_full", text=text)
            self._queue.put(encode_line(stamped(note, event.call, event.seq, event.at_ms)))

    def note_next(self, event: CallEvent) -> None:
        """Take *event*, which nobody stamped, as the one after the last."""
        last = self.last
        self.note(stamped(event, last.call, last.seq + 1, last.at_ms) if last else event)

    @property
    def dropped(self) -> int:
        """Events that found no room."""
        return self._queue.dropped

    @property
    def directory(self) -> Path:
        """Where the record is; final when something of it is on the disk."""
        return self._files.directory

    @property
    def path(self) -> Path:
        """The finished record."""
        return self._files.path

    def end(self) -> None:
        """Let the record be completed; returns at once. A call only announced stays so."""
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
        if self.redactor.how is Redaction.FULL:
            return event
        parties = {"caller": event.caller, "callee": event.callee}
        # Only what looks like a number is sought in later events: a caller named "turn"
        # must not cost every line its turn.
        self._numbers = tuple(name for name in parties.values() if sum(map(str.isdigit, name)) > 5)
        return replace(event, **{who: self.redactor.number(name) for who, name in parties.items()})

    def _write(self, items: list[bytes | _Announcement]) -> None:
        for item in items:
            if isinstance(item, _Announcement):
                self._write_announcement(item)
        if lines := [item for item in items if isinstance(item, bytes)]:
            body = self._hidden(b"\n".join(lines) + b"\n")
            self._files.append(body)
            if self._begins:
                self._begins = False
                self._document(lambda: write_beginning(self.directory, body.partition(b"\n")[0]))

    def _write_announcement(self, announcement: _Announcement) -> None:
        try:
            self._files.announce(self._hidden(announcement.line))
        # The call may begin all the same, and by then the disk may have room.
        except OSError as problem:
            log.warning("that a call rings cannot be kept: %s", problem)
        finally:
            announcement.written.set_result(None)

    def _hidden(self, body: bytes) -> bytes:
        # Here, on the writing thread, the search costs the call nothing.
        if self.redactor.how is Redaction.FULL:
            return body
        return self.redactor.text(body.decode(), self._numbers).encode()

    def _close(self) -> None:
        if self._queue.dropped > self._reported:
            self._files.append(self._overflow() + b"\n")
        self._files.complete()
        if self.path.exists():
            self._document(lambda: write_call_files(self.directory))

    def _document(self, write: Callable[[], None]) -> None:
        """*write* what is read beside the record, which stands without it."""
        if not self.documents:
            return
        try:
            write()
        except (OSError, PatterError) as problem:
            log.warning("the files beside %s cannot be written: %s", self.path, problem)

    def _release(self) -> None:
        self._files.close()

    def _overflow(self) -> bytes:
        missing = self._queue.dropped - self._reported
        note = Note(what="record_overflow", text=f"{missing} events are missing before this")
        last = self.last or note
        return encode_line(stamped(note, last.call, last.seq, last.at_ms))


@attrs.frozen(kw_only=True)
class CallLog:
    """Where this process keeps its records, and how."""

    root: Path
    redactor: Redactor = attrs.field(factory=Redactor)
    retention_days: int = 30
    file_writer: FileWriter = FILE_WRITER
    housekeeper: FileWriter = HOUSEKEEPER

    @classmethod
    def of(cls, persist: bool | str | None, *, keyed: bool = False) -> CallLog | None:
        """The log that *persist* and the environment ask for; None when off.

        *keyed*: hashes have the secret of the log root, which is made if there is none.
        Raises PatterConfigError: others may read the directory, or a variable is wrong.
        """
        root = log_root(persist)
        if root is None:
            return None
        check_private(root)
        return cls(
            root=root,
            redactor=redactor_for(root if keyed else None),
            retention_days=retention_days(read("PATTER_LOG_RETENTION_DAYS")),
        )

    def open(self, call_id: str, wall: float, chance: float | None = None) -> CallLogWriter:
        """Begin the record of a call at *wall* (seconds since 1970); nothing is awaited.

        One call in fifty also deletes what has expired; *chance* (0 to 1) decides.
        """
        if (random.random() if chance is None else chance) < SWEEP_SHARE:
            today = datetime.fromtimestamp(wall, UTC).date()
            self.housekeeper.run(lambda: sweep(self.root, today, self.retention_days))
        return CallLogWriter(
            call_directory(self.root, call_id, wall),
            self.redactor,
            self.file_writer,
            documents=True,
        )


def read_record(path: Path) -> list[CallEvent]:
    """The events of a record, a file or the directory of a call; finished or not.

    A torn last line, as a killed process leaves it, is left out. Raises InputError when
    another line cannot be read, or a newer Patter wrote it.
    """
    if not path.is_dir():
        return _events(path)
    there = [file for name in (NAME, UNFINISHED, RINGING) if (file := path / name).exists()]
    if not there:
        raise InputError(f"{path} holds no record", fix="name the directory of a call")
    # One that was just begun may be empty: then what was announced is all there is.
    return next(filter(None, map(_events, there)), [])


def write_record(path: Path, events: Iterable[CallEvent]) -> None:
    """Write *events* to *path* at once; for tools, not for calls."""
    path.write_bytes(b"".join(encode_line(event) + b"\n" for event in events))


def _line(event: CallEvent) -> bytes:
    try:
        return encode_line(event)
    except (TypeError, ValueError, RecursionError) as error:
        note = Note(what="unrecordable", text=f"{type(event).__name__}: {error}")
        return encode_line(stamped(note, event.call, event.seq, event.at_ms))


def _events(path: Path) -> list[CallEvent]:
    lines = path.read_bytes().split(b"\n")
    whole, torn = lines[:-1], lines[-1]
    events = [_event(path, number, line) for number, line in enumerate(whole, 1) if line]
    if torn:
        events += _if_whole(torn)
    return events


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
