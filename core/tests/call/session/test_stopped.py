"""A call the server has to cut off is written to its end all the same."""

from __future__ import annotations

import asyncio

import pytest

from patter.call.plan import CallPlan, Script
from patter.call.session import CallSession
from patter.observe.events import CallEvent, EventType
from patter.providers.context import CallContext
from patter.testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD


@pytest.mark.virtual_time
async def test_a_cancelled_call_notes_its_end_once_and_frees_its_leg() -> None:
    script = Script(greeting="Hello, and welcome to a rather long greeting.")
    plan = CallPlan(stt=FakeSTT(), tts=FakeTTS(), vad=FakeVAD(), llm=FakeLLM(), script=script)
    events: list[CallEvent] = []
    carrier = FakeCarrier()
    session = CallSession(
        plan=plan, call=CallContext(call_id="cut"), carrier=carrier, listeners=(events.append,)
    )
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(session.run())
        leg = tasks.create_task(session.attach(carrier.leg()))
        await asyncio.sleep(1)
        run.cancel()
        await leg
    [ended] = [event for event in events if event.type is EventType.ENDED]
    assert ended.data["reason"] == "stopped"
