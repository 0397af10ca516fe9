"""A call on virtual time is a function of its script."""

from __future__ import annotations

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, lab, run_virtual


async def one_call() -> list[tuple[int, str]]:
    script = Phrases(greeting="Good evening, this is a greeting of some length.")
    plan = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=script,
    )
    async with lab(plan) as call:
        await call.interrupts("just the opening hours please", after_ms=900)
    return [(event.at_ms, type(event).__name__) for event in call.events]


def test_the_same_call_is_the_same_twice() -> None:
    assert run_virtual(one_call()) == run_virtual(one_call())
