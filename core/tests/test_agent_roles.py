"""Handoffs and skills that cannot work are refused when the agent is made, circles included."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, AgentError, PatterConfigError, PluginRegistry, Skill, tool
from patter_testing import FakeEngine, FakeLLM, FakeSTT, FakeTTS
from patter_testing.fakes.engine import ABLE

PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


@tool
def refund() -> None:
    """Pay money back."""


def named(name: str) -> Any:
    return attrs.evolve(refund, name=name)


@pytest.fixture
def bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def described(**given: Any) -> Agent:
    return Agent(**{"system_prompt": "Be brief.", **PARTS, **given})


def other(**fields: Any) -> Agent:
    """Somebody else, *fields* of any type."""
    return attrs.evolve(OTHER, **fields)


OTHER = Agent(system_prompt="You do invoices.")
SKILL = Skill("refunds", "Paying back.", "Ask first.", [refund])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"handoffs": {"": OTHER}}, "a name in handoffs is empty"),
        ({"handoffs": {" ": OTHER}}, "a name in handoffs is empty"),
        ({"handoffs": {"b": OTHER}, "tools": [named("handoff_to")]}, "which handoffs needs"),
        ({"skills": [SKILL, Skill("refunds", "", "x")]}, "two skills are named 'refunds'"),
        ({"skills": [SKILL], "tools": [refund]}, "has the name of another tool"),
        ({"skills": [SKILL, Skill("x", "", "x", [refund])]}, "has the name of another tool"),
        ({"skills": [Skill("x", "", "x", [named("end_call")])]}, "has the name of another tool"),
        ({"skills": [Skill("x", "", "x", [named("use_skill")])]}, "has the name of another tool"),
        ({"skills": [SKILL], "tools": [named("use_skill")]}, "which skills needs"),
        ({"handoffs": {"b": other(guardrails=["nowhere"])}}, "nowhere"),
    ],
)
def test_what_cannot_work_is_a_value_error(
    bare: PluginRegistry, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(AgentError, match=message) as caught:
        described(**wrong).gather(bare)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"handoffs": [OTHER]},
        {"handoffs": {"b": "billing"}},
        {"handoffs": {5: OTHER}},
        {"skills": SKILL},
        {"skills": ["refunds"]},
        {"handoffs": {"b": other(tools=["refund"])}},
        {"handoffs": {"b": other(skills=["refunds"])}},
        {"handoffs": {"b": other(handoffs={"c": 5})}},
    ],
)
def test_what_is_of_the_wrong_type_is_a_type_error(
    bare: PluginRegistry, wrong: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        described(**wrong).gather(bare)


@pytest.mark.parametrize("fields", [("", "d", "i"), ("n", "d", " "), ("n", "d", 5)])
def test_a_skill_without_a_name_or_instructions_is_none(fields: tuple[Any, ...]) -> None:
    with pytest.raises(PatterConfigError):
        Skill(*fields)


@pytest.mark.parametrize("tools", [refund, 5, ["refund"]])
def test_the_tools_of_a_skill_are_tools(tools: Any) -> None:
    with pytest.raises(TypeError):
        Skill("n", "d", "i", tools)


def test_agents_that_hand_over_to_each_other_can_be_checked_shown_and_compared(
    bare: PluginRegistry,
) -> None:
    both: dict[str, Agent] = {}
    one, other = described(handoffs=both), described(system_prompt="Other.", handoffs=both)
    both.update(one=one, other=other)
    one.gather(bare)
    assert "'one', 'other'" in repr(one)
    assert "'one', 'other'" in repr(one.plan(bare))
    assert one == attrs.evolve(one)
    assert one != other


def test_what_joined_a_circle_later_is_checked_when_it_serves(bare: PluginRegistry) -> None:
    desks: dict[str, Any] = {}
    agent = described(handoffs=desks)
    agent.gather(bare)
    desks["b"] = "billing"
    with pytest.raises(TypeError, match="'b' in handoffs is a str, not an agent"):
        agent.gather(bare)


@pytest.mark.parametrize("cannot", ["update_tools", "update_instructions"])
@pytest.mark.parametrize("field", [{"handoffs": {"b": OTHER}}, {"skills": [SKILL]}])
def test_an_engine_that_cannot_change_in_mid_call_is_refused_with_them(
    bare: PluginRegistry, cannot: str, field: dict[str, Any]
) -> None:
    missing: dict[str, Any] = {cannot: False}
    fixed = FakeEngine(can=attrs.evolve(ABLE, **missing))
    with pytest.raises(AgentError, match=f"so {next(iter(field))} would do nothing"):
        Agent(system_prompt="", engine=fixed, **field).gather(bare)
    Agent(system_prompt="", engine=FakeEngine(), **field).gather(bare)
