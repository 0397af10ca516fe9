"""The index of a log root: a SQLite file in it, made of the records, and made again at any time.

It may be read and written by several processes of one machine. Blocks: every use is one of a
worker thread. What was erased is overwritten in the file, not only forgotten.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from patter.observe.log_root import FILE_MODE
from patter_dashboard._schema import NAME, OF_CALL, OLDER, SCHEMA
from patter_dashboard.rows import COLUMNS, CallRows

BUSY_S = 10.0
_BROKEN = (sqlite3.DatabaseError,)
log = logging.getLogger("patter.dashboard")


@attrs.define(eq=False)
class _Connection:
    """A thread's connection. SQLite crashes the process when one is closed during its use."""

    made: sqlite3.Connection
    uses: int = 0
    unwanted: bool = False

    def close_unless_used(self) -> None:
        """Close it now, or leave that to its last use. For who has the lock of the index."""
        if self.unwanted and not self.uses:
            with suppress(sqlite3.Error):
                self.made.close()


@attrs.define(eq=False)
class IndexFile:
    """The index of the calls below *root*."""

    root: Path
    _local: threading.local = attrs.field(factory=threading.local, init=False)
    _open: list[_Connection] = attrs.field(factory=list, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root / NAME

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        return sum(each.stat().st_size for each in self.root.glob(f"{NAME}*"))

    def prepare(self) -> None:
        """Make it if there is none, or none that can be read; take away those of older versions."""
        for path in self.root.glob(OLDER):
            if not path.name.startswith(NAME):
                path.unlink(missing_ok=True)
        try:
            self._check()
        except sqlite3.OperationalError:
            # Busy, or the disk is full: the file is as good as it was.
            raise
        except _BROKEN as broken:
            log.warning("the index %s is broken and made anew: %s", self.path, broken)
            self.discard()
            self._check()

    def discard(self) -> None:
        """Remove it; the records are untouched."""
        self.close()
        for path in self.root.glob(f"{NAME}*"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close what threads have opened: one in use, after it. Who needs one opens it again."""
        with self._lock:
            for each in self._open:
                each.unwanted = True
                each.close_unless_used()
            self._open.clear()
            self._local = threading.local()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, which nobody closes while inside."""
        used = self._used()
        try:
            yield used.made
        finally:
            with self._lock:
                used.uses -= 1
                used.close_unless_used()

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """What *sql* finds."""
        with self.connection() as connection:
            return connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first thing that *sql* finds, or None."""
        with self.connection() as connection:
            row = connection.execute(sql, values).fetchone()
        return row[0] if row else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or nothing."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def put(self, calls: Iterable[tuple[str, int, CallRows]]) -> None:
        """Keep *calls*: each with its place below the root, its sign, and its rows."""
        with self.writing() as connection:
            for place, sign, rows in calls:
                _put(connection, place, sign, rows)

    def signs(self, under: str = "") -> dict[str, tuple[int, str]]:
        """Sign and status of every call that is kept below *under*, by its place."""
        # The day's directory itself: "2026/09/2" is no beginning of "2026/09/21".
        rows = self.rows(
            "SELECT place, sign, status FROM calls WHERE place >= ? AND place < ?",
            (f"{under}/" if under else "", f"{under}0" if under else "\U0010ffff"),
        )
        return {place: (sign, status) for place, sign, status in rows}

    def drop(self, places: Sequence[str]) -> None:
        """Forget the calls at *places*, and overwrite what was kept of them."""
        if not places:
            return
        with self.writing() as connection:
            for place in places:
                row = connection.execute("SELECT key FROM calls WHERE place = ?", (place,))
                if (first := row.fetchone()) is not None:
                    _clear(connection, first[0])
                    connection.execute("DELETE FROM calls WHERE key = ?", first)
        self.overwrite()

    def overwrite(self) -> None:
        """Let nothing of what was deleted be left in the file."""
        with self.connection() as connection:
            # FTS5 keeps deleted words in its segments until they are merged.
            connection.execute("INSERT INTO words(words) VALUES ('optimize')")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _check(self) -> None:
        with self.connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.executescript(SCHEMA)
            connection.execute("SELECT count(*) FROM calls").fetchone()
            connection.execute("SELECT count(*) FROM words").fetchone()

    def _used(self) -> _Connection:
        with self._lock:
            kept: _Connection | None = getattr(self._local, "made", None)
            if kept is not None:
                kept.uses += 1
                return kept
        made = _Connection(self._connected(), uses=1)
        with self._lock:
            self._open.append(made)
            self._local.made = made
        return made

    def _connected(self) -> sqlite3.Connection:
        if not self.path.exists():
            # A log root is made with its first record, which may come later than this.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite would make it as the umask says, often readable by others.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
        connection = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection


def _put(connection: sqlite3.Connection, place: str, sign: int, rows: CallRows) -> None:
    names = ("place", "sign", *COLUMNS)
    marks = ", ".join("?" * len(names))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    values = (place, sign, *(rows.columns[name] for name in COLUMNS))
    key = connection.execute(
        f"INSERT INTO calls ({', '.join(names)}) VALUES ({marks}) "
        f"ON CONFLICT (place) DO UPDATE SET {changes} RETURNING key",
        values,
    ).fetchone()[0]
    _clear(connection, key)
    call_id = rows.columns["id"]
    connection.execute(
        "UPDATE calls SET deleted = 1 WHERE key = ? AND EXISTS "
        "(SELECT 1 FROM removed WHERE id = ?)",
        (key, call_id),
    )
    started = rows.columns["started"]
    if rows.turns:
        # One value for all: figures over ten thousand calls read it ten times as fast.
        numbers = array("i", [number for turn in rows.turns for number in turn])
        _insert(connection, "turns", [(key, numbers.tobytes())])
    _insert(connection, "tools", [(key, name) for name in rows.tools])
    providers = [(key, each.kind, each.name, each.usd) for each in rows.providers]
    _insert(connection, "providers", providers)
    failures = [
        (key, each.code, started + each.at_ms, each.message, each.fix) for each in rows.failures
    ]
    _insert(connection, "failures", failures)
    if rows.words:
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (key, rows.words))


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _clear(connection: sqlite3.Connection, key: int) -> None:
    """Delete what other tables have of the call *key*."""
    for table in OF_CALL:
        connection.execute(f"DELETE FROM {table} WHERE call = ?", (key,))
    connection.execute("DELETE FROM words WHERE rowid = ?", (key,))
