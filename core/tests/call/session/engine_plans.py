"""Plans of calls that an engine drives, and the engines they begin with."""

from __future__ import annotations

from typing import Any

import attrs

from patter.agent import Agent
from patter.call.plan import CallPlan, Phrases
from patter_testing import FakeEngine, FakeTTS
from patter_testing.fakes.engine import ABLE

SPEAKS = attrs.evolve(ABLE, text_out=False)
"""A vendor that cannot leave speaking to somebody else."""

OWN_WAY = attrs.evolve(ABLE, responds_on_request=False, interrupts_on_request=False)
"""A vendor that answers callers, and stops, by itself."""


def engine(*replies: str, **changes: Any) -> FakeEngine:
    return FakeEngine(replies=replies or ("From five to eleven.",), listens=True, **changes)


def plan(engine: FakeEngine, **changes: Any) -> CallPlan:
    rules = Agent(system_prompt="", idle_ms=()).rules(vad=True, endpoints=True, engine=True)
    made = CallPlan(
        engine=engine,
        system_prompt="You are Rosa.",
        rules=attrs.evolve(rules, greeting=False),
        names={"engine": ("fake", "parrot-1")},
    )
    return attrs.evolve(made, **changes)


def greeting(text: str = "Good evening, this is Rosa's.") -> dict[str, Any]:
    rules = Agent(system_prompt="", idle_ms=()).rules(vad=True, endpoints=True, engine=True)
    return {
        "phrases": Phrases(greeting=text),
        "rules": attrs.evolve(rules, greeting=True),
    }


def half(engine: FakeEngine, **changes: Any) -> CallPlan:
    """The engine thinks, and the agent's own voice speaks."""
    return plan(engine, tts=FakeTTS(), **changes)
