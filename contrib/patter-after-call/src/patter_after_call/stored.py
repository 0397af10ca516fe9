"""What is kept beside a record: ``after_call.json``, and which calls still need one.

Blocks: for a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from patter.observe.call_files import write_whole
from patter.observe.log_root import make_private
from patter.observe.record_files import NAME
from patter.observe.stored_calls import TOMBSTONE

RESULT = "after_call.json"
VERSION = 1
SINCE = "since.json"
"""In the outbox: from when on calls are looked at, in seconds since 1970."""
BACK_DAYS = 2
"""Calls that ended so long ago are looked at, after a start."""


def since_s(root: Path, now_s: float) -> float:
    """From when on calls of *root* are looked at: since the first start. Raises OSError."""
    path = root / "outbox" / SINCE
    with suppress(OSError, ValueError, TypeError, KeyError):
        return float(orjson.loads(path.read_bytes())["since_s"])
    make_private(path.parent)
    write_whole(path, [{"since_s": now_s}])
    return now_s


def due_calls(root: Path, since: float, now_s: float) -> Iterator[Path]:
    """The directories of calls that are over since *since* and have no result, the oldest first.

    One whose model failed is due again when its time has come.
    """
    today = datetime.fromtimestamp(now_s, UTC)
    for back in range(BACK_DAYS, -1, -1):
        day = root / "calls" / (today - timedelta(days=back)).strftime("%Y/%m/%d")
        with suppress(FileNotFoundError):
            for directory in sorted(day.iterdir()):
                if _is_due(directory, since, now_s):
                    yield directory


def read_after_call(directory: Path) -> dict[str, Any] | None:
    """What is kept of what followed the call in *directory*; None without."""
    with suppress(OSError, ValueError):
        value = orjson.loads((directory / RESULT).read_bytes())
        return value if isinstance(value, dict) else None
    return None


def write_after_call(directory: Path, document: Mapping[str, Any]) -> bool:
    """Keep *document* in *directory*; False when the call was erased. Raises OSError."""
    if is_gone(directory):
        return False
    write_whole(directory / RESULT, [document])
    if (directory / TOMBSTONE).exists():
        # It was erased meanwhile, by a process that did not see this file.
        (directory / RESULT).unlink(missing_ok=True)
        return False
    return True


def is_gone(directory: Path) -> bool:
    """Was the call in *directory* erased, or swept away?"""
    return (directory / TOMBSTONE).exists() or not (directory / NAME).exists()


def _is_due(directory: Path, since: float, now_s: float) -> bool:
    try:
        ended_s = (directory / NAME).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return False
    if ended_s < since or (directory / TOMBSTONE).exists():
        return False
    record = read_after_call(directory)
    if record is None:
        return True
    retry_s = record.get("retry_s")
    return isinstance(retry_s, int | float) and retry_s <= now_s
