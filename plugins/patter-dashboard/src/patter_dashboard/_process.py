"""A Python process beside the server, for work that is too long, or too large, for the loop."""

from __future__ import annotations

import asyncio
import sys

import attrs

from patter.errors import PatterTimeoutError


@attrs.frozen
class Ended:
    """How it ended, and what it has written to its output and its error output."""

    status: int
    output: bytes = attrs.field(repr=False)
    complaint: bytes = attrs.field(repr=False)


async def python(*words: str, within_s: float, what: str, fix: str) -> Ended:
    """Run Python with *words*; after *within_s* it is killed.

    Raises PatterTimeoutError then, which says that *what* took longer, and what to do.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            output, complaint = await child.communicate()
    except TimeoutError as late:
        raise PatterTimeoutError(f"{what} took longer than {within_s:g} s", fix=fix) from late
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return Ended(child.returncode or 0, output, complaint)
