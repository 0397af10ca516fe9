"""Calls that a function answers, with fakes for everything else."""

from __future__ import annotations

from typing import Any

from patter.call.mind import mind_of
from patter.call.plan import CallPlan
from patter.call.turn.rules import TurnRules
from patter_testing import FakeSTT, FakeTTS, FakeVAD


def on_message_plan(handler: Any = None, llm: Any = None) -> CallPlan:
    """The plan of an agent whose brain is *handler*, or *llm*."""
    return CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=mind_of(llm, handler),
        rules=TurnRules(idle_ms=()),
    )
