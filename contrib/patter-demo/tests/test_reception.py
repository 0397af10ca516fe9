"""``rules/reception`` serves an agent with whatever tools it has, and invents nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from patter import Tool, tool
from patter.errors import PatterConfigError
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, TextChunk, ToolCallChunk, ToolSpec
from patter.tools.builtin import END_CALL, TRANSFER_CALL
from patter_demo import RulesLLM, rosas
from patter_demo.plugin import patter_llm
from patter_demo.reception import suggestions
from patter_testing import lab

LLM = patter_llm(ProviderSpec.parse("rules/reception"))


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return "five to eleven"


@tool
def book_appointment(day: str) -> str:
    """Book an appointment."""
    return "R-17"


@tool
def book_table(people: int) -> str:
    """Book a table."""
    return "R-17"


@tool
def reserve(name: str, date: str) -> str:
    """Reserve something."""
    return "done"


async def answer(
    said: str, *tools: Tool | ToolSpec, prompt: str = "", llm: RulesLLM = LLM
) -> tuple[str, list[tuple[str, Any]]]:
    specs = tuple(each.spec if isinstance(each, Tool) else each for each in tools)
    rows = (Message("system", prompt), Message("user", said))
    request = LLMRequest(messages=rows, tools=specs, call=CallContext(call_id="c1"))
    chunks = [chunk async for chunk in llm.stream(request)]
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
    called = [(c.name, json.loads(c.arguments)) for c in chunks if isinstance(c, ToolCallChunk)]
    return text, called


@pytest.mark.parametrize(
    ("said", "tools", "called"),
    [
        ("are you open on sunday", [opening_hours], ("opening_hours", {"day": "sunday"})),
        ("what are your opening hours", [opening_hours], ("opening_hours", {"day": "today"})),
        ("book a table for two", [book_table], ("book_table", {"people": 2})),
        ("i would like a table for 12 people", [book_table], ("book_table", {"people": 12})),
        (
            "book an appointment on tuesday",
            [book_appointment],
            ("book_appointment", {"day": "tuesday"}),
        ),
        ("make an appointment", [book_appointment], ("book_appointment", {"day": "today"})),
        ("goodbye", [END_CALL], ("end_call", {})),
    ],
)
async def test_what_is_asked_is_looked_up_with_what_was_said(
    said: str, tools: list[Tool | ToolSpec], called: tuple[str, Any]
) -> None:
    assert (await answer(said, *tools))[1] == [called]


@pytest.mark.parametrize(
    "said", ["[not understood]", "they both toward you", "do you have parking"]
)
async def test_what_is_not_understood_is_said_to_be_so_with_what_would_be(said: str) -> None:
    text, called = await answer(said, opening_hours, book_table)
    assert text == (
        "Sorry, I did not understand that. "
        "You can say: what are your opening hours, book a table for two, or goodbye."
    )
    assert not called
    assert said not in text


async def test_nothing_is_invented() -> None:
    assert await answer("book a table", book_table) == (
        "For how many? Say it all in one: book a table for two.",
        [],
    )
    assert await answer("reserve a table for two", reserve) == (
        "For that I need name, which rules cannot ask for.",
        [],
    )
    assert await answer("book a table for two") == (
        "I understood you, but I have no tool for that.",
        [],
    )


async def test_a_person_is_the_number_of_the_prompt_if_the_line_can_transfer() -> None:
    prompt, said = "Urgent calls go to +15550100200.", "can i speak to a person"
    text, called = await answer(said, TRANSFER_CALL, prompt=prompt)
    assert (text, called) == (
        "I will put you through.",
        [("transfer_call", {"number": "+15550100200"})],
    )
    for tools, words in ([], prompt), ([TRANSFER_CALL], "No number."):
        refusal, called = await answer(said, *tools, prompt=words)
        assert (refusal, called) == ("There is nobody here I could connect you to.", [])


async def test_rules_of_ones_own_go_before_and_a_default_of_ones_own_is_said() -> None:
    llm = RulesLLM(model="reception", default="Pardon?")
    assert (await answer("hm", llm=llm))[0] == "Pardon?"


def test_other_models_are_refused_by_name() -> None:
    with pytest.raises(PatterConfigError, match="no model 'recepton'"):
        RulesLLM(model="recepton")


@pytest.mark.virtual_time
async def test_everything_that_rosas_proposes_is_answered_without_an_excuse() -> None:
    assert rosas.agent.try_saying
    async with lab(rosas.agent) as call:
        assert "Rosa's" in await call.listens()
        answers = [await call.says(each) for each in rosas.agent.try_saying]
    assert not [each for each in answers if re.search("Sorry|no tool|how many", each)]
    assert answers[0] == "Our hours: five to eleven."
    call.expect_tool("book_table", people=2)


def test_what_might_be_said_is_what_the_tools_can_do() -> None:
    assert suggestions([]) == ("Goodbye.",)
    both = suggestions([opening_hours, book_appointment])
    assert both == ("What are your opening hours?", "Book an appointment on Tuesday.", "Goodbye.")
    assert RulesLLM().suggestions([opening_hours]) == ()
