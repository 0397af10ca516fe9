"""A skill is a line in a tool's description until the model takes it up; then it stays."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent, Skill, tool
from patter.observe.events import Note, ToolRun
from patter.providers.llm import ToolRequest
from patter_testing import FakeEngine, FakeLLM, Reply, lab

pytestmark = pytest.mark.virtual_time
TAKE = ToolRequest("t1", "use_skill", '{"skill_name": "refunds"}')


@tool(effect="once")
def refund(amount: int) -> str:
    """Pay money back."""
    return f"{amount} paid back"


REFUNDS = Skill("refunds", "Paying money back.", "Ask for the invoice first.", [refund])


def agent(**parts: Any) -> Agent:
    return Agent(
        system_prompt="You are Rosa.",
        skills=[REFUNDS],
        disable_phone_preamble=True,
        idle_ms=(),
        **parts,
    )


def piped(llm: FakeLLM) -> Agent:
    return agent(stt="fake", tts="fake", llm=llm)


async def test_its_instructions_and_tools_are_there_from_the_next_round_on() -> None:
    pays = ToolRequest("t2", "refund", '{"amount": 5}')
    llm = FakeLLM(replies=(Reply(tools=(TAKE,)), Reply(tools=(pays,)), "It is paid.", "Bye."))
    async with lab(piped(llm)) as call:
        assert await call.says("my money back please") == "It is paid."
        await call.says("thank you")
    before, *after = llm.requests
    assert before.messages[0].text == "You are Rosa."
    described = {spec.name: spec.description for spec in before.tools}
    assert "refunds: Paying money back." in described["use_skill"]
    assert "refund" not in described
    for request in after:
        prompt = request.messages[0].text
        assert prompt == "You are Rosa.\n\n# Skill: refunds\nAsk for the invoice first."
        assert "refund" in {spec.name for spec in request.tools}
    call.expect_tool("refund", amount=5)
    assert [note.text for note in call.of(Note) if note.what == "skill"] == ["refunds"]


async def test_it_is_taken_up_once() -> None:
    again = ToolRequest("t2", "use_skill", TAKE.arguments)
    llm = FakeLLM(replies=(Reply(tools=(TAKE,)), Reply(tools=(again,)), "Well."))
    async with lab(piped(llm)) as call:
        await call.says("my money back please")
    results = [run.result for run in call.of(ToolRun) if run.what == "finished"]
    assert results[1] == '{"status":"already_active"}'
    assert llm.requests[2].messages[0].text.count("# Skill") == 1


async def test_one_that_there_is_not_is_told_with_those_there_are() -> None:
    wrong = ToolRequest("t1", "use_skill", '{"skill_name": "magic"}')
    llm = FakeLLM(replies=(Reply(tools=(wrong,)), "I cannot."))
    async with lab(piped(llm)) as call:
        assert await call.says("some magic please") == "I cannot."
    [run] = [run for run in call.of(ToolRun) if run.what == "finished"]
    assert run.result == '{"error":"there is no skill \'magic\'","available":["refunds"]}'


async def test_an_engine_takes_it_up_too() -> None:
    engine = FakeEngine(replies=("Hello.", "It is paid."), listens=True)
    async with lab(agent(engine=engine)) as call:
        await call.says("my money back please")
        engine.sessions[0].want(TAKE)
        assert await call.listens() == "It is paid."
        assert engine.sessions[0].instructions.endswith("Ask for the invoice first.")
        assert "refund" in engine.sessions[0].tools
