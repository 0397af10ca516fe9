"""Which days of records are over, and their removal.

A clock that is wrong for a while looks like a pause in the calls, so of the time since a day
the longest pause is not counted: no record goes that is younger than the newest one before a
pause, less the retention.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from itertools import pairwise
from pathlib import Path

from patter.observe.file_lock import is_held
from patter.observe.record_files import RINGING, UNFINISHED

_DAY = re.compile(r"(\d{4})/(\d{2})/(\d{2})")


def expired(days: Iterable[date], today: date, retention: int) -> list[date]:
    """Those of *days*, which have records, that are older than *retention* days; none when it is 0.

    Pure. A day later than *today* is a clock that was wrong: it neither goes nor counts.
    """
    if not retention:
        return []
    past = sorted({day for day in days if day <= today})
    return [day for day in past if _age(day, [*past, today]) > retention]


def sweep(root: Path, today: date, retention: int) -> int:
    """Delete what has expired below *root*; how many days went. Blocks. Raises OSError.

    A record that a living process writes stays. Others may sweep at the same time.
    """
    folders = _days(root)
    gone = expired(folders, today, retention)
    for day in gone:
        _remove(folders[day])
    return len(gone)


def _age(day: date, days: list[date]) -> int:
    """How many days lie between *day* and the last of *days*, the longest pause as one."""
    since = sorted({each for each in days if each >= day})
    pauses = [(later - earlier).days for earlier, later in pairwise(since)]
    return sum(pauses) - max(pauses, default=1) + 1


def _days(root: Path) -> dict[date, Path]:
    """The folders of the days that have records."""
    calls = root / "calls"
    days = {}
    for path in calls.glob("*/*/*"):
        name = _DAY.fullmatch(path.relative_to(calls).as_posix())
        if name is not None and (day := _date(*name.groups())) is not None:
            days[day] = path
    return days


def _date(*parts: str) -> date | None:
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def _remove(day: Path) -> None:
    # Whoever else sweeps may be ahead of us by a file.
    with suppress(FileNotFoundError):
        for path in sorted(day.iterdir()):
            if not path.is_dir():
                path.unlink()
            elif not any(is_held(path / name) for name in (UNFINISHED, RINGING)):
                shutil.rmtree(path)
        if not any(day.iterdir()):
            day.rmdir()
