"""Why a port could not be opened, and what to do instead."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from patter.errors import PatterConfigError

# The state TCP_LISTEN in /proc/net/tcp.
_LISTENING = "0A"
_PROC = Path("/proc")


def bind_error(host: str, port: int, exc: OSError) -> PatterConfigError:
    """Return *exc*, raised while listening on *host* and *port*, as an error with a fix."""
    if exc.errno == errno.EADDRINUSE:
        process = holder(port)
        by = f" by process {process}" if process else ""
        return PatterConfigError(f"port {port} is in use{by}", fix=f"--port {port % 65_535 + 1}")
    if exc.errno == errno.EACCES:
        return PatterConfigError(f"this user may not listen on port {port}", fix="--port 8000")
    return PatterConfigError(
        f"cannot listen on {host}, port {port}: {exc.strerror or exc}",
        fix="use an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them",
    )


def holder(port: int) -> int | None:
    """Return the id of the process that listens on *port*, where the system tells."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    links = _PROC.glob("[0-9]*/fd/*") if wanted else ()
    return next((int(link.parts[2]) for link in links if _target(link) in wanted), None)


def _listening(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen on *port*."""
    for table in (_PROC / "net/tcp", _PROC / "net/tcp6"):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _target(link: Path) -> str:
    """Where *link* points; empty for processes of others."""
    try:
        return str(link.readlink())
    except OSError:
        return ""
