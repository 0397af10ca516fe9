"""What the kernel says of a process: CPU seconds, resident bytes, open descriptors, its core."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """User and system time of *pid* so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def stolen_s() -> float:
    """Time the machine's host took away from all cores so far."""
    return int(Path("/proc/stat").read_text().split()[8]) / _TICKS


def rss_bytes(pid: int) -> int:
    """Resident memory of *pid*."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def fds(pid: int) -> int:
    """Open descriptors of *pid*."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def pin(core: int) -> None:
    """Keep this process on *core*, counted among those it may use; with one only, on that."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[min(core, len(cores) - 1)]})
