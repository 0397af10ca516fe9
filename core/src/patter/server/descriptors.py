"""How many files and sockets this process may have open."""

from __future__ import annotations

from contextlib import suppress

MOST = 65_536


def open_files() -> int:
    """How many there may be, at most `MOST`, after raising the limit as far as the system lets us.

    A login's usual 1024 are used up by two hundred calls.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return MOST
    kind, endless = resource.RLIMIT_NOFILE, resource.RLIM_INFINITY
    soft, hard = resource.getrlimit(kind)
    wanted = MOST if hard == endless else min(hard, MOST)
    if soft != endless and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (wanted, hard))
            return wanted
    return MOST if soft == endless else min(soft, MOST)
