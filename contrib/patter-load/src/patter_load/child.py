"""The loaded process as whoever loads it has it: started, counted, and ended whatever happens."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import orjson

from patter.env import environment
from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter_load.census import Census, of_process
from patter_load.pipes import ended
from patter_load.served import Settings
from patter_load.webhook import ACCOUNT_SID, NUMBER, Endpoint

TOKEN: Final = "a token of nobody"
VOICE: Final = "/webhooks/twilio/voice"
START_S, COUNT_S, STOP_S = 60.0, 30.0, 30.0


@attrs.define(eq=False)
class Child:
    """*endpoint* takes calls. *left* is known once it was stopped: tasks and descriptors."""

    process: asyncio.subprocess.Process
    endpoint: Endpoint
    left: dict[str, int] = attrs.field(factory=dict)

    async def census(self) -> Census | None:
        """Have it count; that stalls it, so not while it is measured."""
        self._input.write(b"\n")
        counted = await _next_line(self.process, COUNT_S)
        return of_process(self.process.pid, self.endpoint.port, tuple(counted["names"]))

    def look(self) -> Census | None:
        """What /proc tells of it; None when it is gone."""
        return of_process(self.process.pid, self.endpoint.port)

    async def stop(self) -> None:
        """Let it end, and hear what it left."""
        self._input.close()
        self.left = await _next_line(self.process, STOP_S)

    @property
    def _input(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin


@asynccontextmanager
async def child(settings: Settings) -> AsyncIterator[Child]:
    """Serve the agent of *settings* while inside. Raises PatterError when it does not start.

    Its records go to a folder that is removed: they cost what they cost, and are not kept.
    """
    with tempfile.TemporaryDirectory(prefix="patter-load-") as folder:
        own = {
            "PATTER_LOG_DIR": folder,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        options: dict[str, Any] = {
            "env": {**environment(), **own},
            "stdin": asyncio.subprocess.PIPE,
            "stdout": asyncio.subprocess.PIPE,
        }
        args = ("-m", "patter_load.served")
        process = await asyncio.create_subprocess_exec(sys.executable, *args, **options)
        try:
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(attrs.asdict(settings)) + b"\n")
            yield Child(process, _endpoint(await _next_line(process, START_S)))
        finally:
            if process.returncode is None:
                await ended(process, STOP_S)


async def _next_line(process: asyncio.subprocess.Process, within_s: float) -> dict[str, Any]:
    """Its next line. Raises PatterConnectionError when there is none."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(within_s):
            line = await process.stdout.readline()
    except TimeoutError:
        line = b""
    if not line:
        raise PatterConnectionError(
            "the agent's process gives no answer", fix="its words are above; patter doctor TARGET"
        )
    report: dict[str, Any] = orjson.loads(line)
    if (error := report.get("error")) is not None:
        code = ErrorCode(error["code"])
        raise PatterError(error["message"], fix=error["fix"], code=code)
    return report


def _endpoint(report: dict[str, Any]) -> Endpoint:
    return Endpoint(
        url=f"http://127.0.0.1:{report['port']}{VOICE}",
        public_url=f"https://{report['host']}{VOICE}",
        token=TOKEN,
        account_sid=ACCOUNT_SID,
        number=NUMBER,
    )
