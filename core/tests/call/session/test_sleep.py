"""A call in which nothing happens costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.session import CallSession
from patter.call.turn.rules import TurnRules
from patter.clock import LoopClock, Timer
from patter.providers.context import CallContext
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD


@attrs.frozen
class CountingClock(LoopClock):
    """Counts how often it is asked to wake somebody."""

    asked: list[float] = attrs.field(factory=list, init=False)

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        self.asked.append(ms)
        return LoopClock.at(self, ms, callback)


@pytest.mark.virtual_time
@pytest.mark.parametrize("marks", [True, False])
async def test_a_call_that_is_silent_for_a_minute_wakes_nobody(marks: bool) -> None:
    clock = CountingClock()
    plan = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(greeting="Hello there."),
        rules=TurnRules(idle_ms=()),
    )
    carrier = FakeCarrier(can=attrs.evolve(FakeCarrier().can, marks=marks))
    leg = carrier.leg()
    call = CallContext(call_id="quiet", clock=clock)
    session = CallSession(plan=plan, call=call, carrier=carrier)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await asyncio.sleep(10)
        spoken = len(clock.asked)
        await asyncio.sleep(60)
        assert len(clock.asked) == spoken
        assert 0 < spoken < 60
        leg.hang_up()
