"""What a call must not leave behind: tasks, and what is open (sockets, files, pipes).

Two looks are compared; only what the second has more than the first was left.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import attrs

from patter.clock import Clock

_DESCRIPTORS = (Path("/proc/self/fd"), Path("/dev/fd"))
SETTLE_MS, LOOK_MS = 2_000.0, 20.0


@attrs.frozen
class Look:
    """What this process has: its tasks, and its open descriptors by number."""

    tasks: frozenset[asyncio.Task[object]]
    descriptors: dict[int, str]


def look() -> Look:
    """Look now. Where the system does not list descriptors, there are none."""
    return Look(frozenset(asyncio.all_tasks()), _descriptors())


def left(before: Look, after: Look) -> list[str]:
    """What is there after and was not before, in words."""
    tasks = sorted(f"task {task.get_name()}" for task in after.tasks - before.tasks)
    had = Counter(_kind(name) for name in before.descriptors.values())
    have = Counter(_kind(name) for name in after.descriptors.values())
    more = have - had
    return [*tasks, *(f"{count} {kind}" for kind, count in sorted(more.items()))]


async def settled(before: Look, clock: Clock) -> list[str]:
    """What is left once everything had time to close."""
    until_ms = clock.ms() + SETTLE_MS
    while (descriptors := left(before, look())) and clock.ms() < until_ms:
        await clock.sleep(LOOK_MS)
    return descriptors


def _descriptors() -> dict[int, str]:
    """Every open descriptor and what it leads to; not the one this looks with."""
    for folder in _DESCRIPTORS:
        if folder.is_dir():
            descriptors = {int(name): _target(folder / name) for name in os.listdir(folder)}  # noqa: PTH208
            return {number: target for number, target in descriptors.items() if target}
    return {}


def _target(path: Path) -> str:
    try:
        return str(path.readlink()) if path.is_symlink() else _type(path)
    except OSError:
        return ""


def _type(path: Path) -> str:
    return f"descriptor:{path.stat().st_mode:o}"


def _kind(target: str) -> str:
    """``socket`` for ``socket:[123]``; files by their path."""
    return target.partition(":[")[0]
