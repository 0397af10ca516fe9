"""Whole calls: a caller is heard by Whisper and answered by a model, with a tool, at Groq."""

from __future__ import annotations

import pytest

from patter import Agent, tool
from patter.audio.formats import MULAW_8K
from patter.observe.events import Row
from patter.providers.llm import ToolRequest
from patter.testing import FakeTTS, FakeVAD, lab
from patter_groq import GroqLLM, GroqWhisperSTT
from patter_groq.double import FailedToolUse, GroqDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.fakes.tts import spoken


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open on a day of the week."""
    return f"five to eleven on {day}"


CALLED = Answer(tools=(ToolRequest("t1", "opening_hours", '{"day": "Sunday"}'),))


@pytest.mark.parametrize("fails", [False, True], ids=["at once", "at the second attempt"])
async def test_a_caller_is_answered(fails: bool) -> None:
    script = [CALLED, Answer("From five to eleven.")]
    if fails:
        script.insert(0, FailedToolUse("<function=opening_hours"))
    double = GroqDouble(lines=["are you open on Sunday"], model=ScriptedModel(script))
    async with double.running():
        agent = Agent(
            system_prompt="You answer the phone at Rosa's.",
            stt=double.pointed(GroqWhisperSTT(api_key="k")),
            llm=double.pointed(GroqLLM(model="openai/gpt-oss-120b", api_key="k")),
            tts=FakeTTS(ms_per_letter=20),
            vad=FakeVAD(),
            tools=[opening_hours],
            first_message="",
        )
        async with lab(agent, keep=("stt", "llm", "vad")) as call:
            await call.caller.sounds(spoken("are you open on Sunday", MULAW_8K))
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row) if row.role != "tool"]
            call.expect_tool("opening_hours", day="Sunday")
    assert rows[0] == ("caller", "are you open on Sunday")
    assert rows[-1] == ("agent", "From five to eleven.")
    assert len(double.bodies("/chat/completions")) == (3 if fails else 2)
