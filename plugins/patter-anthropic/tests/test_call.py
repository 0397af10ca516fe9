"""A whole call: greeting, a tool, and the words that follow from it."""

from __future__ import annotations

import anthropic  # noqa: F401 - which takes seconds, and no caller waits for it

from patter import Patter, tool
from patter.testing import FakeCarrier, FakeSTT, FakeTTS, lab
from patter_anthropic.double import AnthropicDouble, Turn

from .asking import model


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open on a day of the week."""
    return f"five to eleven on {day}"


async def test_a_call_with_a_tool_runs_over_anthropic() -> None:
    script: list[Turn | str] = [
        Turn(text="Let me see.", calls=(("opening_hours", '{"day": "Sunday"}'),)),
        "From five to eleven.",
    ]
    async with AnthropicDouble(script=script).running() as vendor:
        phone = Patter(phone_number="+15550001234", carrier=FakeCarrier(), persist=False)
        agent = phone.agent(
            "You answer the phone at Rosa's.",
            stt=FakeSTT(),
            tts=FakeTTS(ms_per_letter=20),
            llm=model(vendor),
            vad="none",
            tools=[opening_hours],
            first_message="Hello.",
        )
        async with lab(agent) as call:
            assert await call.listens() == "Hello."
            assert "From five to eleven." in await call.says("Sunday?")
            call.expect_tool("opening_hours", day="Sunday")
    greeting, *_ = vendor.bodies[0]["messages"]
    assert greeting["content"][0]["text"] == "(call connected)"
    roles = [row["role"] for row in vendor.bodies[-1]["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
