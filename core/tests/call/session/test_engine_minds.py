"""An engine that answers in text, which the agent's own voice speaks."""

from __future__ import annotations

from typing import Any

import pytest

from patter.providers.llm import ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeTTS, lab
from patter_testing.fakes.engine import ABLE

from .engine_plans import OWN_WAY, engine, greeting, half

pytestmark = pytest.mark.virtual_time


@pytest.mark.parametrize("can", [ABLE, OWN_WAY], ids=["asked", "its own way"])
async def test_an_engine_that_answers_in_text_is_spoken_by_the_agents_voice(can: Any) -> None:
    fake = engine("From five to eleven. Every day.", can=can)
    made = half(fake, **greeting())
    async with lab(made) as call:
        assert await call.listens() == "Good evening, this is Rosa's."
        assert await call.says("when are you open") == "From five to eleven.Every day."
    assert fake.sessions[0].setup.text_only
    assert "Good evening, this is Rosa's." in fake.sessions[0].setup.instructions
    assert isinstance(made.tts, FakeTTS)
    assert made.tts.sessions[0].sentences[1:] == ["From five to eleven.", "Every day."]


async def test_hooks_and_transforms_apply_where_the_engine_only_thinks() -> None:
    fake = engine("**From five** to eleven.")
    changed = half(fake, text_transforms=(str.upper,))
    async with lab(changed) as call:
        assert await call.says("when are you open") == "FROM FIVE TO ELEVEN."


async def test_of_a_spoken_text_the_vendor_remembers_the_words_that_were_heard() -> None:
    fake = engine("From five to eleven, every day but Monday, and on feasts.", "Two it is.")
    async with lab(half(fake)) as call:
        await call.caller.says("when are you open")
        assert await call.interrupts("a table for two", after_ms=1_200) == "Two it is."
    heard = call.utterances[0]
    remembered = next(row.text for row in fake.sessions[0].rows if row.role == "assistant")
    assert heard and remembered == heard


async def test_tools_of_an_engine_that_only_thinks() -> None:
    @tool
    async def book_table(people: int) -> str:
        """Book."""
        return f"booked for {people}"

    fake = engine("One moment.", "It is booked.")
    async with lab(half(fake, tools=(book_table,))) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        assert await call.listens() == "It is booked."
    assert fake.sessions[0].results == {"call-1": "booked for 2"}


async def test_only_what_was_not_heard_of_a_spoken_text_is_told() -> None:
    @tool
    async def book_table(people: int) -> str:
        """Book."""
        return f"booked for {people}"

    fake = engine("Hello.", "It is booked, and we look forward to seeing you.", "Bye.")
    async with lab(half(fake, tools=(book_table,))) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await call.interrupts("thank you very much indeed", after_ms=900)
    assert [each.stopped.is_set() for each in fake.sessions[0].responses][:3] == [
        False,
        False,
        True,
    ]
