"""Patter as a process of its own: started with a clean environment, listened to, and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson

from patter.aio import task_scope
from patter_softphone import SoftphoneCall

from .house import ROOT

LIMIT_S = 40.0
KEPT = ("PATH", "LANG", "SYSTEMROOT", "VIRTUAL_ENV")
USUAL_UMASK = 0o022


@attrs.define(eq=False)
class Running:
    """A process. *out* is what it printed so far, *err* what it complained of, line by line."""

    process: asyncio.subprocess.Process
    out: list[str] = attrs.field(factory=list)
    err: list[str] = attrs.field(factory=list)

    async def told(self, key: str) -> Any:
        """The value of *key* in the first JSON line that has it."""
        async with asyncio.timeout(LIMIT_S):
            assert self.process.stdout is not None
            async for line in self.process.stdout:
                self.out.append(line.decode().rstrip())
                if key in (said := orjson.loads(line)):
                    return said[key]
        raise AssertionError(f"{key!r} was never told: {self.out}, {self.err}")

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(what)

    async def ended(self) -> int:
        """Wait until it has ended; its exit status."""
        async with asyncio.timeout(LIMIT_S):
            assert self.process.stdout is not None
            self.out += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()

    async def listen(self) -> None:
        """Read its complaints, so that it never waits for us."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.err.append(line.decode().rstrip())


def patter(*words: str) -> list[str]:
    """The command line of ``patter WORDS``."""
    return [sys.executable, "-m", "patter.cli", *words]


def clean(folder: Path, **more: str) -> Mapping[str, str]:
    """An environment with no key in it, whose user's files are in *folder*."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return {**kept, "HOME": str(folder), **more}


@asynccontextmanager
async def running(folder: Path, command: list[str], **more: str) -> AsyncIterator[Running]:
    """*command* run in *folder*; killed if it has not ended on leaving."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=clean(folder, **more),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        umask=USUAL_UMASK,
    )
    found = Running(process)
    async with task_scope() as tasks:
        tasks.create_task(found.listen())
        try:
            yield found
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_page() -> str:
    """The agent of the README, as somebody who copies it has it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.partition("```python\n")[2].partition("```")[0]


async def row(call: SoftphoneCall, role: str, text: str = "") -> Mapping[str, Any]:
    """The next row of *role* in which *text* stands, as the caller's side is told of it."""
    async with asyncio.timeout(LIMIT_S):
        return await call.until(
            lambda event: event["type"] == "row" and event["role"] == role and text in event["text"]
        )


def loud(audio: bytes | bytearray) -> int:
    """How many samples of mu-law *audio* are not silence."""
    return len(audio) - audio.count(b"\xff") - audio.count(b"\x7f")


def complaints(process: Running) -> list[str]:
    """What it said on stderr, less what only tells that this machine was busy."""
    refused = "a softphone call was refused"
    return [line for line in process.err if "blocked the event" not in line and refused not in line]


def open_to_others(paths: Iterable[Path]) -> list[str]:
    """Those of *paths* that have not the modes of private files and directories."""
    return [
        f"{path} {path.stat().st_mode & 0o777:o}"
        for path in paths
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    ]
