"""The calls that were taken from all lists, and whose records stay: a file in the log root.

The index has them, too, and can be made anew; this file is what is remembered. Blocks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from patter.observe.call_files import write_whole
from patter_dashboard.index_file import IndexFile

NAME = ".deleted_call_ids.json"
VERSION = 1
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def removed_ids(root: Path) -> list[str]:
    """The ids in the file below *root*; none when it cannot be read."""
    with suppress(OSError, ValueError):
        document = orjson.loads((root / NAME).read_bytes())
        ids = document.get("deleted_call_ids") if isinstance(document, dict) else None
        return [each for each in ids or () if isinstance(each, str)]
    return []


def remove(index: IndexFile, call_ids: Iterable[str]) -> list[str]:
    """Take calls that are over from all lists; the ids of those that were there."""
    ids = [each for each in dict.fromkeys(call_ids) if _ID.fullmatch(each)][:1_000]
    marks = ", ".join("?" * len(ids))
    there = {
        row[0]
        for row in index.rows(
            f"SELECT id FROM calls WHERE id IN ({marks}) AND deleted = 0 AND outcome <> 'live'", ids
        )
    }
    gone = [each for each in ids if each in there]
    if gone:
        # Inside the transaction, because other processes add to the same file.
        with index.writing() as connection:
            kept = dict.fromkeys([*removed_ids(index.root), *gone])
            write_whole(index.root / NAME, [{"version": VERSION, "deleted_call_ids": [*kept]}])
            _mark(connection, gone)
    return gone


def restore(index: IndexFile) -> None:
    """Let an index that was made anew know what was removed."""
    ids = removed_ids(index.root)
    with index.writing() as connection:
        _mark(connection, ids)


def _mark(connection: sqlite3.Connection, ids: list[str]) -> None:
    rows = [(each,) for each in ids]
    connection.executemany("INSERT OR IGNORE INTO removed VALUES (?)", rows)
    connection.executemany("UPDATE calls SET deleted = 1 WHERE id = ?", rows)
