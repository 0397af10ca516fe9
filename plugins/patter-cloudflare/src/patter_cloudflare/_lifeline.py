"""A process group that dies with us, however we die: ended, crashed or killed.

A small shell leads the group and waits at a pipe whose other end only we hold. When that is closed,
by us or by the system after our death, it kills the whole group. Linux's own death signal would
miss what a wrapper script started, and what is started just before we die.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.errors import PatterConnectionError

SHELL = "/bin/sh"
WATCH = 'trap "" HUP INT QUIT TERM; read -r _; kill -KILL 0'
"""Deaf to whatever else its group is sent, so that it watches to the end."""
END_S = 2.0
log = logging.getLogger("patter.cloudflare")
_HELD: set[int] = set()


@attrs.frozen(eq=False)
class Lifeline:
    """A process group by its number, which lives until we `cut`; *_end* is our end of the pipe."""

    group: int
    _end: int

    def cut(self) -> None:
        """Kill the group; twice is fine."""
        _close(self._end)


@asynccontextmanager
async def lifeline() -> AsyncIterator[Lifeline]:
    """Open a group for processes to join; on leaving it is killed. Raises PatterConnectionError."""
    watched, held = os.pipe()
    _HELD.add(held)
    try:
        shell = await _watching(watched)
        try:
            yield Lifeline(shell.pid, held)
        finally:
            _close(held)
            await _ended(shell)
    finally:
        _close(held)


async def _watching(pipe: int) -> asyncio.subprocess.Process:
    closed = asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec(
            SHELL, "-c", WATCH, stdin=pipe, stdout=closed, stderr=closed, process_group=0
        )
    except OSError as exc:
        raise PatterConnectionError(
            f"{SHELL} cannot be run: {exc.strerror}", fix="pass --webhook-url HOST"
        ) from exc
    finally:
        os.close(pipe)


async def _ended(shell: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_S):
            await shell.wait()
    except TimeoutError:
        log.warning("process group %d did not end when killed", shell.pid)


def _close(end: int) -> None:
    if end in _HELD:
        _HELD.remove(end)
        os.close(end)


def _let_go() -> None:
    """In a fork: it is not us, and must not keep alive what is to die with us."""
    for end in list(_HELD):
        _close(end)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
