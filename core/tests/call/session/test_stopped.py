"""A call the server has to cut off is written to its end all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.session import CallSession
from patter.call.transfer import CallerLocation
from patter.call.turn.events import TransferFailed
from patter.observe.events import CallEvent, Ended
from patter.providers.context import CallContext
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD
from patter_testing.fakes.stt import FakeSTTSession


@pytest.mark.virtual_time
async def test_a_cancelled_call_notes_its_end_once_and_frees_its_leg() -> None:
    script = Phrases(greeting="Hello, and welcome to a rather long greeting.")
    plan = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=script,
    )
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
    [ended] = [event for event in events if isinstance(event, Ended)]
    assert ended.reason == "stopped"


class Clinging(FakeSTT):
    """Takes its time to be closed."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        async with FakeSTT.open(self, call, audio) as session:
            try:
                yield session
            finally:
                await asyncio.shield(asyncio.sleep(1))


@pytest.mark.virtual_time
@pytest.mark.parametrize("late_ms", [0, 1, 500, 2_000])
async def test_what_is_told_to_a_call_that_was_cut_while_it_was_away_starts_nothing(
    late_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    can = attrs.evolve(FakeCarrier().can, transfer_result=True)
    carrier = FakeCarrier(can=can)
    plan = CallPlan(
        stt=Clinging(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(),
    )
    session = CallSession(plan=plan, call=CallContext(call_id="cut"), carrier=carrier)
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(session.run())
        leg = tasks.create_task(session.attach(carrier.leg()))
        await asyncio.sleep(1)
        await session.control.transfer("+15550100200")
        await asyncio.sleep(1)
        assert session.where is CallerLocation.HOLD
        run.cancel()
        await asyncio.sleep(late_ms / 1_000)
        session.post(TransferFailed(session.now_ms(), "busy"))
        await leg
    assert not caplog.records
