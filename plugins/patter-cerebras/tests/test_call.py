"""A whole call: a caller is answered by a model at Cerebras, with a tool."""

from __future__ import annotations

from patter import Agent, tool
from patter.providers.llm import ToolRequest
from patter.testing import FakeSTT, FakeTTS, lab
from patter_cerebras import CerebrasLLM
from patter_cerebras.double import CerebrasDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open on a day of the week."""
    return f"five to eleven on {day}"


CALLED = Answer(tools=(ToolRequest("t1", "opening_hours", '{"day": "Sunday"}'),))


async def test_a_call_with_a_tool_runs_over_cerebras() -> None:
    script = ScriptedModel([CALLED, "From five to eleven."])
    async with CerebrasDouble(model=script).running() as double:
        agent = Agent(
            system_prompt="You answer the phone at Rosa's.",
            stt=FakeSTT(),
            tts=FakeTTS(ms_per_letter=20),
            llm=double.pointed(CerebrasLLM(api_key="k")),
            vad="none",
            tools=[opening_hours],
            first_message="Hello.",
        )
        async with lab(agent, keep=("llm",)) as call:
            assert await call.listens() == "Hello."
            assert "From five to eleven." in await call.says("Sunday?")
            call.expect_tool("opening_hours", day="Sunday")
    first, second = double.bodies("/chat/completions")
    assert "opening_hours" in [each["function"]["name"] for each in first["tools"]]
    assert "five to eleven on Sunday" in second["messages"][-1]["content"]
