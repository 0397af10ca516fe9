"""The running cloudflared: its output is always read, and nothing of it outlives its scope.

It joins the group of a lifeline, so that a wrapper script and what it started end together, and
with us, also when we are killed.
No task reads its pipes: the loop hands over what arrives, and only the last lines are kept.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs

from patter.errors import PatterConnectionError
from patter_cloudflare._lifeline import Lifeline, lifeline
from patter_cloudflare._output import Lines, Seen, message_of

log = logging.getLogger("patter.cloudflare")
LAST_LINES = 20
DRAIN_S = 0.2
"""After its exit: for the rest of its words, should somebody else still hold the pipes."""
KILL_S = 2.0


@attrs.define(eq=False)
class Process(asyncio.SubprocessProtocol):
    """What it has printed and whether it still runs. *status* is -N when signal N ended it."""

    _line: Lifeline
    seen: Seen = attrs.field(factory=Seen, init=False)
    last: deque[str] = attrs.field(factory=lambda: deque(maxlen=LAST_LINES), init=False)
    over: bool = attrs.field(default=False, init=False)
    gone: bool = attrs.field(default=False, init=False)
    on_over: Callable[[], None] | None = attrs.field(default=None, init=False)
    _transport: asyncio.SubprocessTransport = attrs.field(init=False)
    _lines: dict[int, Lines] = attrs.field(factory=lambda: {1: Lines(), 2: Lines()}, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._transport.get_returncode()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds*; asked again whenever something was said or ended."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._heard(self._lines[fd].feed(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        if fd in self._lines:
            self._heard(self._lines[fd].flush())

    def process_exited(self) -> None:
        asyncio.get_running_loop().call_later(DRAIN_S, self._is_over)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.gone = True
        self._is_over()
        self._changed.set()

    async def end(self, within_s: float) -> None:
        """Ask the group to end, after *within_s* make it; when this returns it has."""
        self.on_over = None
        try:
            self._ask_to_end()
            await self._is_gone(within_s)
        finally:  # who is cancelled meanwhile does not leave it behind either
            await self._kill()

    async def _kill(self) -> None:
        self._line.cut()
        try:
            if not await self._is_gone(KILL_S):
                log.warning("process %d did not end when killed", self._transport.get_pid())
        finally:
            self._transport.close()

    def _heard(self, lines: list[str]) -> None:
        for message in map(message_of, lines):
            self.seen = self.seen.after(message)
            self.last.append(message)
        self._changed.set()

    def _is_over(self) -> None:
        if self.over:
            return
        self.over = True
        self._changed.set()
        if self.on_over is not None:
            self.on_over()

    async def _is_gone(self, within_s: float) -> bool:
        """Has it exited, and has everybody let go of its pipes?"""
        try:
            async with asyncio.timeout(within_s):
                await self.until(lambda: self.gone)
        except TimeoutError:
            return False
        return True

    def _ask_to_end(self) -> None:
        """Ask the whole group; its leader runs until it is cut, so its number is nobody else's."""
        try:
            os.killpg(self._line.group, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # somebody else has killed it
            log.debug("process group %d is gone", self._line.group)


@asynccontextmanager
async def running(command: Sequence[str], *, end_s: float) -> AsyncIterator[Process]:
    """Run *command* for the length of the body. Raises PatterConnectionError."""
    async with lifeline() as line:
        process = await _started(command, line)
        try:
            yield process
        finally:
            await process.end(end_s)


async def _started(command: Sequence[str], line: Lifeline) -> Process:
    pipe, closed = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: Process(line),
            *command,
            stdin=closed,
            stdout=pipe,
            stderr=pipe,
            process_group=line.group,
        )
    except OSError as exc:
        raise PatterConnectionError(
            f"{command[0]} cannot be run: {exc.strerror}",
            fix="install cloudflared for this machine, or pass --webhook-url HOST",
        ) from exc
    return process
