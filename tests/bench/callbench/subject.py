"""The measured process, seen from the process that loads it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from callbench.casts import Cast
from patter_load import proc

PACKAGE = Path(__file__).parent.parent
INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""What is installed is compiled: a start must not compile it anew."""
START_S, STOP_S = 30.0, 30.0
LINE_BYTES = 4 * 1_024 * 1_024


class Subject:
    """A process that serves calls at *port*; *left* is known once it was stopped.

    *ready_s*: how long it took from its start until it took calls.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.port = 0
        self.ready_s = 0.0
        self.left: dict[str, Any] = {}

    async def census(self) -> dict[str, Any]:
        """Have it count its tasks, descriptors and bytes; stalls it, so not under load."""
        self._input.write(b"\n")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the measured process died; its words are above")
        said: dict[str, Any] = orjson.loads(line)
        return said

    async def stop(self) -> None:
        """Let it end, and hear what it left."""
        self._input.close()
        self.left = await self.answer()
        async with asyncio.timeout(STOP_S):
            await self._process.wait()

    @property
    def _input(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin


@asynccontextmanager
async def subject(
    kind: str,
    vendors: str,
    cast: Cast,
    api: str = "",
    profile: str = "",
    loop: str = "asyncio",
) -> AsyncIterator[Subject]:
    """Start the process, and end it whatever happens.

    *api*: where its carrier's API is. *loop*: what it runs on.
    """
    options: dict[str, Any] = {
        "cwd": PACKAGE,
        "env": {**os.environ, **INSTALLED},
        "limit": LINE_BYTES,
        "stdin": asyncio.subprocess.PIPE,
        "stdout": asyncio.subprocess.PIPE,
    }
    args = ["-m", "callbench.sut", kind, vendors, "--core", str(proc.core(0))]
    args += ["--api", api, "--profile", profile, "--loop", loop]
    args += ["--providers", cast.providers, "--client", cast.client]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, *args, **options)
    try:
        found = Subject(process)
        found.port = (await found.answer())["port"]
        found.ready_s = time.monotonic() - began
        yield found
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
