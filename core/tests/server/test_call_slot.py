"""One call in this process: stopped more than once, it ends once and in its own time."""

from __future__ import annotations

import asyncio

import attrs

from patter.aio import task_scope
from patter.observe.summary import CallSummary
from patter.providers.context import CallContext
from patter.server.call_slot import STOPPED, CallSlot

from .house import FakeSession


@attrs.define(eq=False)
class SlowToEnd(FakeSession):
    """Has something to write down when it is cut."""

    may_end: asyncio.Event = attrs.field(factory=asyncio.Event)
    runs: asyncio.Event = attrs.field(factory=asyncio.Event)
    written: bool = False

    async def run(self) -> CallSummary:
        self.runs.set()
        try:
            return await super().run()
        finally:
            await self.may_end.wait()
            self.written = True


async def test_a_second_stop_does_not_cut_what_the_first_set_off() -> None:
    session, slot = SlowToEnd(CallContext(call_id="call-1")), CallSlot("call-1")
    slot.begin(session)
    async with task_scope() as tasks:
        running = tasks.create_task(slot.run())
        await session.runs.wait()
        for _ in range(3):
            slot.stop()
            await asyncio.sleep(0)
        session.may_end.set()
    assert session.written
    assert running.result().reason == STOPPED
