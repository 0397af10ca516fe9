"""The server under attack: a process of its own that knows how late its loop was.

``{"url": ...}`` when it is ready; for each line of its input one of figures, which begin anew.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from patter import Patter
from patter.aio import task_scope
from patter.observe.call_log import CallLog
from patter.phone.serving import ServeContext
from patter.server.admission import Limits
from patter.server.app import Server
from patter_testing import FakeSTT, FakeTTS
from patter_twilio import Twilio

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.doors.account import HOST, SID, TOKEN

GREETING = "This is a long story of a river, and of those who live beside it. " * 12
LOOK_S = 0.005


class Lag:
    """How late a timer of the loop fires, in ms."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.late_ms.append((loop.time() - due) * 1_000)

    def figures(self) -> dict[str, float]:
        late, self.late_ms = sorted(self.late_ms), []
        at = len(late) * 99 // 100
        return {"p99_ms": late[at] if late else 0.0, "most_ms": late[-1] if late else 0.0}


def figures(lag: Lag, calls: int) -> dict[str, Any]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    fds = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return {"lag": lag.figures(), "rss_mb": pages * 4_096 / 1e6, "fds": fds, "calls": calls}


async def answers(lag: Lag, calls: Any) -> None:
    """Answer each line of the input."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(json.dumps(figures(lag, len(calls()))), flush=True)


async def main() -> bool:
    phone = Patter(carrier="softphone")
    vad = sys.argv[1] if len(sys.argv) > 1 else "none"
    agent = phone.agent(
        "Be brief.",
        stt=FakeSTT(),
        llm="rules",
        tts=FakeTTS(ms_per_letter=30),
        vad=vad,
        first_message=GREETING,
    )
    carrier = phone.carrier
    assert carrier is not None, "it was given"
    log = CallLog.of("log")
    desk = ServeContext(agent=agent, parts=phone.gathered(agent), registry=phone.registry, log=log)
    server = Server(port=0, public_host=HOST, limits=Limits(calls=400), body_ms=3_000)
    twilio = Twilio(account_sid=SID, auth_token=TOKEN, api_base="http://127.0.0.1:9")
    lag = Lag()
    opening = server.open(desk.answer, carriers=[carrier, twilio], extensions=phone.registry)
    async with opening as serving, task_scope() as tasks:
        watching = [
            tasks.create_task(lag.watch()),
            tasks.create_task(answers(lag, lambda: serving.switchboard.calls)),
        ]
        print(json.dumps({"url": serving.url}), flush=True)
        clean = await serving.until_stopped()
        for task in watching:
            task.cancel()
    return clean


if __name__ == "__main__":
    raise SystemExit(not asyncio.run(main()))
