"""What there is of a process that is loaded: its own count, or what /proc tells of another."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import attrs

from patter.errors import InputError
from patter_load import proc

HAS_PROC = Path("/proc/self/schedstat").exists()


@attrs.frozen(kw_only=True)
class Census:
    """*tasks* are the names of those that run, None of a process that does not tell us.

    *sockets* are its calls'.
    """

    tasks: tuple[str, ...] | None = None
    fds: int = 0
    sockets: int = 0
    rss: int = 0
    schedule: proc.Schedule


class Subject(Protocol):
    """The process that serves the calls."""

    async def census(self) -> Census | None:
        """What there is now; None when nobody can tell."""
        ...

    def look(self) -> Census | None:
        """The same, without holding it up: tasks are not counted."""
        ...


def of_process(pid: int, port: int, tasks: tuple[str, ...] | None = None) -> Census | None:
    """What /proc tells of *pid*, which takes calls at *port*; None when it is gone, or not ours."""
    try:
        return Census(
            tasks=tasks,
            fds=proc.fds(pid),
            sockets=proc.sockets(pid, port),
            rss=proc.rss_bytes(pid),
            schedule=proc.schedule(pid),
        )
    except OSError:
        return None


@attrs.frozen
class ServerProcess:
    """A process that somebody else has started; *pid* is None when it is not on this machine."""

    pid: int | None
    port: int

    @classmethod
    def at(cls, port: int, *, local: bool, pid: int = 0) -> ServerProcess:
        """Whoever serves *port*, or *pid*. Raises InputError when there is no such process."""
        if pid and not (HAS_PROC and Path(f"/proc/{pid}/fd").exists()):
            raise InputError(f"there is no process {pid} here", fix="see: pgrep -f patter")
        if pid or not (local and HAS_PROC):
            return cls(pid or None, port)
        return cls(proc.listener(port), port)

    async def census(self) -> Census | None:
        """What there is now."""
        return self.look()

    def look(self) -> Census | None:
        """The same."""
        return None if self.pid is None else of_process(self.pid, self.port)
