"""The plan most tests of a session begin with: fakes, no greeting, nobody is ever prompted."""

from __future__ import annotations

from typing import Any

import attrs

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.providers.llm import LLM
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD


def plan(llm: LLM | None = None, **changes: Any) -> CallPlan:
    """The plan with *changes*; *llm* says "Yes." unless given."""
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm or FakeLLM()),
        phrases=Phrases(),
        rules=TurnRules(idle_ms=()),
    )
    return attrs.evolve(made, **changes)
