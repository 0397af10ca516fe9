"""An attack beside one honest call: what its caller missed, and how late the server's loop was."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from tests.doors.account import HOST, SID, TOKEN
from tests.house import ROOT

from patter.aio import task_scope

BYTES_PER_S = 8_000
READY_S = 30.0
BEFORE_S = 1.0


@attrs.define
class Honest:
    """Plays what it gets in real time, as a telephone does."""

    missed_s: float = 0.0
    heard_s: float = 0.0
    _until: float = attrs.field(default=0.0, init=False)

    def take(self, audio: bytes, now: float) -> None:
        """*audio* has come at *now*, in seconds."""
        if self.heard_s and now > self._until:
            self.missed_s += now - self._until
        self._until = max(self._until, now) + len(audio) / BYTES_PER_S
        self.heard_s += len(audio) / BYTES_PER_S

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Listen until the call is over, and confirm marks when they are played."""
        loop = asyncio.get_running_loop()
        async with task_scope() as tasks:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.take(message.data, loop.time())
                elif (body := json.loads(message.data)).get("event") == "mark":
                    wait = max(0.0, self._until - loop.time())
                    tasks.create_task(_confirm(socket, wait, body["name"]))

    def catch_up(self, now: float) -> None:
        """What is missing at *now* is missing, too."""
        self.missed_s += max(0.0, now - self._until)


async def _confirm(socket: aiohttp.ClientWebSocketResponse, wait: float, name: str) -> None:
    await asyncio.sleep(wait)
    if not socket.closed:
        await socket.send_str(json.dumps({"event": "mark", "name": name}))


@attrs.frozen
class Outcome:
    """Of one attack; times in ms. *log_kb* and *record_kb* were written meanwhile."""

    name: str
    missed_ms: float
    p99_ms: float
    most_ms: float
    rss_mb: float
    fds: int
    log_kb: float
    record_kb: float

    def __str__(self) -> str:
        return (
            f"{self.name:24} missed {self.missed_ms:6.0f} ms   loop late p99 {self.p99_ms:6.1f}"
            f"  most {self.most_ms:6.1f} ms   {self.rss_mb:5.0f} MB  {self.fds:5} files"
            f"  log {self.log_kb:6.1f} KB  records {self.record_kb:6.1f} KB"
        )


@attrs.define(eq=False)
class Target:
    """The server's process."""

    process: asyncio.subprocess.Process
    log: Path
    url: str = ""

    async def figures(self) -> dict[str, Any]:
        """What it knows of itself since it was last asked."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return await self.line()

    async def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(READY_S):
            line = await self.process.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8")[-4_000:]
        found: dict[str, Any] = json.loads(line)
        return found


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, 1_024))


@asynccontextmanager
async def target(
    folder: Path, vad: str = "none", *, few_files: bool = False
) -> AsyncIterator[Target]:
    """A server in *folder*; with *few_files* it may have 1024 files and no more."""
    log = folder / "server.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests" / "doors" / "server.py"),
            vad,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            preexec_fn=_few_files if few_files else None,
        )
    found = Target(process, log)
    try:
        found.url = (await found.line())["url"]
        yield found
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def honest_call(server: Target) -> AsyncIterator[Honest]:
    """A call to *server* in which the agent tells a long story."""
    caller = Honest()
    async with aiohttp.ClientSession(server.url) as client, task_scope() as tasks:
        async with client.post("/webhooks/softphone/call", json={}) as answer:
            path = (await answer.json())["media_path"]
        async with client.ws_connect(path) as socket:
            listening = tasks.create_task(caller.listen(socket))
            await asyncio.sleep(BEFORE_S)
            try:
                yield caller
            finally:
                caller.catch_up(asyncio.get_running_loop().time())
                listening.cancel()


@asynccontextmanager
async def attacked(name: str, url: str, seconds: float) -> AsyncIterator[None]:
    """*name* is done to *url* while inside."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.doors.attacks", name, url, str(seconds), cwd=ROOT
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def watched(server: Target, name: str, seconds: float) -> Outcome:
    """*name* for so many seconds, beside an honest call."""
    async with honest_call(server) as caller:
        await server.figures()
        logged, missed = server.log.stat().st_size, caller.missed_s
        async with attacked(name, server.url, seconds):
            await asyncio.sleep(seconds)
            now = await server.figures()
    lag, records = now["lag"], server.log.parent / "log"
    return Outcome(
        name=name,
        missed_ms=(caller.missed_s - missed) * 1_000,
        p99_ms=lag["p99_ms"],
        most_ms=lag["most_ms"],
        rss_mb=now["rss_mb"],
        fds=now["fds"],
        log_kb=(server.log.stat().st_size - logged) / 1e3,
        record_kb=sum(path.stat().st_size for path in records.rglob("*") if path.is_file()) / 1e3,
    )


async def signed_webhooks(server: Target, count: int) -> list[int]:
    """The statuses of so many rings that Twilio has signed, one after the other."""
    from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

    path, statuses = "/webhooks/twilio/voice", []
    async with aiohttp.ClientSession(server.url) as client:
        for number in range(count):
            form = {
                "AccountSid": SID,
                "CallSid": f"CA{number:032x}",
                "From": "+15550000001",
                "To": "+15550000002",
                "Direction": "inbound",
                "CallStatus": "ringing",
            }
            signature = RequestValidator(TOKEN).compute_signature(f"https://{HOST}{path}", form)
            headers = {"X-Twilio-Signature": signature}
            async with client.post(path, data=form, headers=headers) as answer:
                statuses.append(answer.status)
    return statuses
