"""What the kernel says of a process: CPU seconds, resident bytes, open descriptors, its core."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

AHEAD: Final = -10
CORES: Final = tuple(sorted(os.sched_getaffinity(0)))
"""Those this process might use when it began; what it starts inherits what it is pinned to."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Schedule(NamedTuple):
    """Seconds a process has run so far, and seconds it was ready and another ran."""

    ran_s: float
    waited_s: float

    def since(self, before: Schedule) -> Schedule:
        """What was added after *before*."""
        return Schedule(self.ran_s - before.ran_s, self.waited_s - before.waited_s)


def schedule(pid: int) -> Schedule:
    """How *pid* was scheduled, all its threads together."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    times = [list(map(int, thread.read_text().split()[:2])) for thread in threads]
    return Schedule(sum(ran for ran, _ in times) / 1e9, sum(waited for _, waited in times) / 1e9)


def stolen_s() -> float:
    """Time the machine's host took away from all cores so far."""
    return int(Path("/proc/stat").read_text().split()[8]) / _TICKS


def rss_bytes(pid: int) -> int:
    """Resident memory of *pid*."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def fds(pid: int) -> int:
    """Open descriptors of *pid*."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def core(place: int) -> int:
    """The *place*-th of `CORES`, counted from 0; the last where there are fewer."""
    return CORES[min(place, len(CORES) - 1)]


def pin(core: int) -> None:
    """Keep this process on *core*.

    Where it is allowed, also ahead of others, which are not what is measured.
    """
    os.sched_setaffinity(0, {core})
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, AHEAD)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(AHEAD))


def sockets(pid: int, port: int) -> int:
    """Connections of *pid* at its *port*, the listening ones left out."""
    return len(_own(pid) & {inode for inode, state in _at(port) if state != _LISTENING})


def listener(port: int) -> int | None:
    """The process of ours that listens at *port*; None when there is none that can be looked at."""
    inodes = {inode for inode, state in _at(port) if state == _LISTENING}
    pids = sorted(int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())
    return next((pid for pid in pids if inodes and _own(pid) & inodes), None)


_LISTENING = "0A"


def _at(port: int) -> list[tuple[str, str]]:
    """Inode and state of every TCP socket whose local port is *port*."""
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        lines = Path(table).read_text().splitlines()[1:] if Path(table).exists() else []
        for fields in map(str.split, lines):
            if int(fields[1].rpartition(":")[2], 16) == port:
                rows.append((fields[9], fields[3]))
    return rows


def links(pid: int) -> list[str]:
    """What the descriptors of *pid* lead to; of nothing when it may not be looked at."""
    targets = []
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            # The one that the folder is read with is closed by now.
            with suppress(OSError):
                targets.append(str(link.readlink()))
    return targets


def _own(pid: int) -> set[str]:
    """The inodes of the sockets that *pid* has open."""
    parts = (link.partition(":[") for link in links(pid))
    return {inode.rstrip("]") for kind, _, inode in parts if kind == "socket"}
