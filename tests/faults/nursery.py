"""Phones to be killed: ``python -m tests.faults.nursery`` forks one for each line it reads.

A line is JSON: *api*, *account* and *token* of a Twilio, *log*, and *callees* to be called. The
phone prints its pid and its URL. It is forked so that it starts within a moment, and shares
nothing that it writes with another.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from patter import Patter, PluginRegistry
from patter.aio import task_scope
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD
from patter_twilio import Twilio

from .phone import HOST, OURS

APART_S = 0.03


async def serve(order: dict[str, Any]) -> None:
    """Serve a phone, and call the callees one after the other, until somebody kills us."""
    phone = Patter(
        carrier=Twilio(
            account_sid=order["account"], auth_token=order["token"], api_base=order["api"]
        ),
        phone_number=OURS,
        webhook_url=HOST,
        persist=order["log"],
        registry=PluginRegistry.from_environment({}, source=[]),
    )
    agent = phone.agent(
        "Be brief.",
        stt=FakeSTT(),
        llm=FakeLLM(),
        tts=FakeTTS(ms_per_letter=3),
        vad=FakeVAD(),
        first_message="Good evening.",
    )
    async with task_scope() as tasks:
        tasks.create_task(phone.serve(agent, port=0, local_recording=True))
        await phone.ready
        assert phone._run is not None and phone._run.running is not None
        print(json.dumps([os.getpid(), phone._run.running.address.local_url]), flush=True)
        for callee in order["callees"]:
            await asyncio.sleep(APART_S)
            tasks.create_task(phone.call(callee, ring_timeout=60, wait=True))


def main() -> None:
    """Fork a phone for every line, and have nobody wait for the dead."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(serve(json.loads(line)))
            return


if __name__ == "__main__":
    main()
