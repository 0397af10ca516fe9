"""Dates as Telnyx writes them (pure): ISO 8601 in UTC, with a Z."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(wall_s: float) -> str:
    """*wall_s* seconds since 1970.

    >>> iso_time(1.5)
    '1970-01-01T00:00:01.500000Z'
    """
    when = datetime.fromtimestamp(wall_s, UTC).replace(tzinfo=None)
    return f"{when.isoformat(timespec='microseconds')}Z"
