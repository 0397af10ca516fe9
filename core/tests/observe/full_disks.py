"""A process whose files find no room: the system refuses what would be longer than a limit."""

from __future__ import annotations

import subprocess
import sys

LIMIT = """
import resource, signal, sys

def room(bytes_: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
room({bytes_})
"""


def with_room_for(bytes_: int, code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* where no file may grow beyond *bytes_*; in it, ``room(n)`` sets another limit."""
    return subprocess.run(
        [sys.executable, "-c", LIMIT.format(bytes_=bytes_) + code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
