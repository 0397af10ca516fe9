"""Calls in virtual time, with providers in memory: what is left of them, and which hooks they
called. Figures that do not depend on the machine's speed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections import Counter

from importlib_metadata import EntryPoint

from callbench import script
from callbench.report import Report
from patter import PluginRegistry
from patter.agent import Agent
from patter.call.plan import CallPlan
from patter.call.session import CallSession
from patter.clock import Clock
from patter.providers.context import CallContext
from patter.providers.stt import Transcript, TurnEnded
from patter_load import proc
from patter_testing.clock import VirtualClock, run_virtual
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.llm import FakeLLM
from patter_testing.fakes.stt import At, FakeSTT
from patter_testing.fakes.tts import FakeTTS

AT_ONCE = 20
TURN_MS = 1_000
KEPT_KB = 10.0
NOSY = EntryPoint("nosy", "callbench.nosy", "patter.extension")


def plan_of(seconds: int) -> CallPlan:
    """An agent that hears a question a second."""
    said = [
        At(TURN_MS * turn + 400, event)
        for turn in range(seconds)
        for event in (
            Transcript(f"question {turn}", True, end_ms=TURN_MS * turn + 350),
            TurnEnded(),
        )
    ]
    agent = Agent(
        system_prompt=script.PROMPT,
        disable_phone_preamble=True,
        stt=FakeSTT(script=tuple(said), endpoints=True),
        llm=FakeLLM(replies=("Yes.",)),
        tts=FakeTTS(),
        vad="none",
        idle_ms=(),
    )
    return agent.plan(PluginRegistry.from_environment({}, source=()))


async def call(number: int, seconds: int, extensions: PluginRegistry | None = None) -> int:
    """One call of so many seconds; how many turns it took."""
    clock: Clock = VirtualClock()
    carrier = FakeCarrier()
    context = CallContext(call_id=f"call-{number}", carrier="fake", clock=clock)
    plan = plan_of(seconds)
    session = CallSession(plan=plan, call=context, carrier=carrier, extensions=extensions)
    leg = carrier.leg()
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        for _ in range(seconds * 1_000 // script.FRAME_MS):
            leg.speak(script.VOICE)
            await clock.sleep(script.FRAME_MS)
        leg.hang_up()
    return living.result().turns


async def _many(count: int) -> tuple[int, int, int]:
    """*count* calls, some at once: turns, tasks left, bytes a call kept of the second half."""
    turns, half = 0, 0
    for first in range(0, count, AT_ONCE):
        if first >= count // 2 and not half:
            half = _settled_rss()
        numbers = range(first, min(count, first + AT_ONCE))
        turns += sum(await asyncio.gather(*(call(number, 2) for number in numbers)))
    left = len(asyncio.all_tasks()) - 1
    return turns, left, (_settled_rss() - half) // max(1, count - count // 2)


def _settled_rss() -> int:
    gc.collect()
    return proc.rss_bytes(os.getpid())


def hooks_of(seconds: int) -> Counter[str]:
    """The hooks a call of so many seconds makes."""
    heard: Counter[str] = Counter()
    registry = PluginRegistry.from_environment({}, source=(NOSY,))
    registry.load_extensions()
    end = registry.on_hook_call(lambda name: heard.update([name]))
    run_virtual(call(0, seconds, registry))
    end()
    return heard


def main(count: int) -> int:
    """Print each figure beside its budget."""
    logging.basicConfig()
    report = Report()
    fds = proc.fds(os.getpid())
    turns, tasks, kept = run_virtual(_many(count), patience_s=600)
    report.figure(f"{count:,} virtual calls:", turns, "turns", count, least=True)
    report.must("tasks left", tasks)
    report.must("descriptors left", max(0, proc.fds(os.getpid()) - fds))
    sessions = sum(isinstance(each, CallSession) for each in gc.get_objects())
    report.must("sessions left in memory", sessions)
    if count >= 1_000:
        report.figure("memory a call leaves", kept / 1_024, "KB", KEPT_KB)
    short, long = hooks_of(2), hooks_of(4)
    report.note(f"hooks of a call: {dict(short)}")
    report.must("hook calls a call twice as long adds", (long - short).total())
    report.must("calls without a hook", int(not short))
    return int(bool(report.over))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 1_000))
