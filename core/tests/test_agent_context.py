"""What an agent says of its model's context, and of answers before the turn has ended."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent, AgentError, CompactionConfig
from patter.plugins.registry import PluginRegistry
from patter_testing import FakeLLM, FakeSTT, FakeTTS


@pytest.fixture
def bare() -> PluginRegistry:
    """No plugin is installed."""
    return PluginRegistry.from_environment({}, source=[])


def agent(**fields: Any) -> Agent:
    return Agent(system_prompt="", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(), **fields)


def test_a_plan_has_what_is_said_of_the_context_and_of_drafts(bare: PluginRegistry) -> None:
    usual = agent().plan(bare)
    assert (usual.compaction, usual.context_token_budget) == (None, None)
    assert (usual.rules.speculate, usual.rules.preemptive_min_stable_ms) == (False, 300)
    plan = agent(
        compaction=True,
        context_token_budget=9_000,
        preemptive_generation=True,
        preemptive_min_stable_ms=200,
    ).plan(bare)
    assert (plan.compaction, plan.context_token_budget) == (CompactionConfig(), 9_000)
    assert (plan.rules.speculate, plan.rules.preemptive_min_stable_ms) == (True, 200)
    assert agent(compaction=False).plan(bare).compaction is None


@pytest.mark.parametrize(
    ("fields", "message", "fix"),
    [
        (
            {"compaction": "much"},
            "compaction is not a CompactionConfig",
            "write compaction=True, or compaction=CompactionConfig(trigger_tokens=8_000)",
        ),
        (
            {"context_token_budget": "all"},
            "context_token_budget='all' is not a whole number",
            "give it as tokens, or None",
        ),
        (
            {"context_token_budget": 0},
            "context_token_budget=0 is out of range",
            "give 1 or more, or None",
        ),
        (
            {"preemptive_generation": "yes"},
            "preemptive_generation is neither",
            "write True or False",
        ),
        (
            {"preemptive_min_stable_ms": -1},
            "preemptive_min_stable_ms=-1 is out of range",
            "give a whole number >= 0",
        ),
    ],
)
def test_what_makes_no_sense_is_named_with_its_fix(
    bare: PluginRegistry, fields: dict[str, Any], message: str, fix: str
) -> None:
    with pytest.raises(AgentError) as refused:
        agent(**fields).gather(bare)
    assert (refused.value.message, refused.value.fix) == (message, fix)
