"""The files of one record: `RecordFiles` makes, appends to and completes them, and blocks.

A call that rings has ``call.jsonl.ringing``, one line; its events go to ``call.jsonl.part``;
complete, that is ``call.jsonl``. Nothing that exists is opened for writing, and what is
unfinished is locked by its process as long as that lives.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from patter.errors import InternalError
from patter.observe.file_lock import claim, is_at, is_held
from patter.observe.log_root import FILE_MODE, make_private

NAME, UNFINISHED, RINGING = "call.jsonl", "call.jsonl.part", "call.jsonl.ringing"
PLACES = 100
"""How many calls of one day may have the same id."""
TRIES = 3


@attrs.define(eq=False)
class RecordFiles:
    """Where one record is written; *directory* is another one when its files are there already."""

    directory: Path
    _ringing: int = attrs.field(default=-1, init=False)
    _events: int = attrs.field(default=-1, init=False)
    _announced: Path | None = attrs.field(default=None, init=False)

    @property
    def path(self) -> Path:
        """The finished record."""
        return self.directory / NAME

    def announce(self, line: bytes) -> None:
        """Keep *line*, the first event of a call that has not begun. Raises OSError."""
        self._ringing = self._create(RINGING, (NAME, UNFINISHED))
        self._announced = self.directory / RINGING
        try:
            _write(self._ringing, line + b"\n")
        except OSError:
            # Empty, or half a line, it would say that there was a call and not which.
            self._drop_announcement()
            raise

    def append(self, body: bytes) -> None:
        """Write *body*, whole lines. Raises OSError, and then the rest is not written any more."""
        if self._events < 0:
            self._events = self._create(UNFINISHED, (NAME,))
        _write(self._events, body)

    def complete(self) -> None:
        """Give the record its name; one without events keeps what was announced. Raises OSError."""
        if self._events >= 0:
            # Before the rename: what has the final name must be whole after a power cut, too.
            os.fsync(self._events)
            self._rename()
            self._drop_announcement()
        self.close()

    def close(self) -> None:
        """Close what is open, whatever happened to it."""
        self._events, self._ringing = _closed(self._events), _closed(self._ringing)

    def _rename(self) -> None:
        if os.name == "nt":
            # An open file cannot be renamed there.
            self._events = _closed(self._events)
        (self.directory / UNFINISHED).rename(self.path)

    def _drop_announcement(self) -> None:
        """The record says all that was announced, and more."""
        self._ringing = _closed(self._ringing)
        path = self._announced or self.directory / RINGING
        if not is_held(path):
            path.unlink(missing_ok=True)

    def _create(self, name: str, others: tuple[str, ...]) -> int:
        """A new locked file called *name* where none of *others* is; opened for appending."""
        for directory in self._places():
            make_private(directory)
            if (file := _new(directory / name)) is None:
                continue
            # Looked for now: who had *name* before us may just have completed it.
            if not any((directory / other).exists() for other in others):
                self.directory = directory
                return file
            (directory / name).unlink()
            os.close(file)
        raise InternalError(
            f"{self.directory} and {PLACES} like it have records already",
            fix="give every call an id of its own",
        )

    def _places(self) -> Iterator[Path]:
        """The directory, and those that are tried when it has a record: ``7f3a-2``, ``7f3a-3``."""
        first = self.directory
        yield first
        for number in range(2, PLACES + 1):
            yield first.with_name(f"{first.name}-{number}")


def _new(path: Path) -> int | None:
    """A new file at *path*, locked; None when there is one."""
    for _ in range(TRIES):
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            return None
        # A process that starts may have seen it empty, and be about to remove it.
        if claim(file) and is_at(file, path):
            return file
        if is_at(file, path):
            path.unlink(missing_ok=True)
        os.close(file)
    return None


def _write(file: int, body: bytes) -> None:
    view = memoryview(body)
    # os.write may take less than it was given.
    while view:
        view = view[os.write(file, view) :]


def _closed(file: int) -> int:
    """Close *file* if it is open; what to call it from then on."""
    if file >= 0:
        os.close(file)
    return -1
