"""Calls that an engine hears, thinks and speaks: the same conversation as with three providers."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.agent import Agent
from patter.call.turn.rules import TurnRules
from patter.observe.events import BargeIn, Note, Row, ToolRun, Turn, Usage
from patter.plugins.registry import PluginRegistry
from patter.providers.engine import HistoryForm, Verbatim
from patter.providers.llm import ToolRequest
from patter.text.guardrail import Guardrail
from patter.tools.tool import tool
from patter_testing import FakeTTS, lab
from patter_testing.fakes.engine import ABLE

from .engine_plans import OWN_WAY, SPEAKS, engine, greeting, plan

pytestmark = pytest.mark.virtual_time


@pytest.mark.parametrize("can", [ABLE, OWN_WAY], ids=["asked", "its own way"])
async def test_a_caller_is_greeted_answered_and_let_go(can: Any) -> None:
    fake = engine("From five to eleven.", "You are welcome.", can=can)
    async with lab(plan(fake, **greeting())) as call:
        assert await call.listens() == "Good evening, this is Rosa's."
        assert await call.says("when are you open") == "From five to eleven."
        assert await call.says("thank you very much") == "You are welcome."
    assert call.summary is not None
    assert (call.summary.outcome, call.summary.reason) == ("completed", "caller")
    rows = [(row.role, row.text) for row in call.of(Row) if row.text]
    assert rows == [
        ("agent", "Good evening, this is Rosa's."),
        ("caller", "when are you open"),
        ("agent", "From five to eleven."),
        ("caller", "thank you very much"),
        ("agent", "You are welcome."),
    ]
    assert [turn.turn for turn in call.of(Turn)] == [1, 2]


async def test_the_engine_is_told_who_it_is_before_anything_else() -> None:
    fake = engine()
    async with lab(plan(fake)) as call:
        await call.says("hello there")
    setup = fake.sessions[0].setup
    assert setup.instructions == "You are Rosa."
    assert {spec.name for spec in setup.tools} >= {"end_call"}
    assert not setup.turns.responds
    assert not setup.turns.interrupts


@pytest.mark.parametrize("can", [ABLE, OWN_WAY], ids=["asked", "its own way"])
async def test_an_interrupted_answer_is_remembered_as_far_as_it_was_heard(can: Any) -> None:
    fake = engine(
        "From five to eleven, every day but Monday, and on feasts.", "Two it is.", can=can
    )
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        assert await call.interrupts("a table for two", after_ms=1_200) == "Two it is."
    heard = call.utterances[0]
    assert heard and "From five to eleven, every day but Monday".startswith(heard)
    assert len(call.of(BargeIn)) == 1
    (response, heard_ms) = fake.sessions[0].interrupted[0]
    assert abs(heard_ms - call.of(BargeIn)[0].heard_ms) <= 1  # type: ignore[operator]
    remembered = next(row.text for row in fake.sessions[0].rows if row.role == "assistant")
    assert remembered.startswith(heard)
    assert len(remembered) < len("From five to eleven, every day but Monday")
    assert response == "response-1"


async def test_a_short_voice_pauses_the_answer_and_loses_nothing() -> None:
    fake = engine("From five to eleven, every day but Monday.", words_ms=None)
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(400)
        await call.caller.says("mm")
        await call.caller.hears_the_agent_out(quiet_ms=1_500)
        said = call.caller.heard_text()
    assert said == "From five to eleven, every day but Monday."
    assert not call.of(BargeIn)


@pytest.mark.parametrize("can", [ABLE, attrs.evolve(ABLE, quiet_tool_results=False)])
async def test_tools_run_beside_the_events_and_their_result_is_answered(can: Any) -> None:
    begun = asyncio.Event()

    @tool
    async def book_table(people: int) -> str:
        """Book."""
        begun.set()
        await asyncio.sleep(2)
        return f"booked for {people}"

    fake = engine("One moment.", "It is booked.", can=can)
    async with lab(plan(fake, tools=(book_table,))) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await begun.wait()
        assert await call.listens() == "It is booked."
    assert fake.sessions[0].results == {"call-1": "booked for 2"}
    runs = [(run.name, run.what) for run in call.of(ToolRun)]
    assert runs == [("book_table", "started"), ("book_table", "finished")]


async def test_a_tool_that_a_caller_waits_for_is_answered_with_what_they_asked_meanwhile() -> None:
    go_on = asyncio.Event()

    @tool
    async def book_table(people: int) -> str:
        """Book."""
        await go_on.wait()
        return f"booked for {people}"

    fake = engine("Hello.", "It is booked, and we open at five.")
    async with lab(plan(fake, tools=(book_table,))) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await call.caller.waits(300)
        assert await call.says("when are you open by the way") == "One moment."
        assert fake.sessions[0].results == {}
        go_on.set()
        assert await call.listens() == "It is booked, and we open at five."
    assert fake.sessions[0].results == {"call-1": "booked for 2"}


async def test_a_guardrail_stops_what_must_not_be_said() -> None:
    fake = engine("We open at five. The secret is soup. Come by.")
    guard = Guardrail("secrets", ("secret",), None, "I cannot tell.")
    async with lab(plan(fake, guardrails=(guard,))) as call:
        said = await call.says("what is it")
    assert "soup" not in said
    assert said.endswith("I cannot tell.")
    assert [note.text for note in call.of(Note) if note.what == "guardrail"] == ["secrets"]
    assert fake.sessions[0].interrupted


async def test_keys_and_written_words_reach_the_vendor() -> None:
    fake = engine("Pressed.", "Written.")
    async with lab(plan(fake)) as call:
        await call.caller.presses("12#")
        assert await call.listens() == "Pressed."
        call.caller.types("and with tea")
        assert await call.listens() == "Written."
    users = [row.text for row in fake.sessions[0].rows if row.role == "user"]
    assert users == ["(The caller pressed 12#.)", "and with tea"]


async def test_the_agents_own_voice_says_what_must_be_exact() -> None:
    fake = engine("From five.", can=attrs.evolve(SPEAKS, verbatim=Verbatim.NEVER))
    tts = FakeTTS()
    async with lab(plan(fake, tts=tts, **greeting())) as call:
        assert await call.listens() == "Good evening, this is Rosa's."
        assert await call.says("when are you open") == "From five."
    assert tts.sessions[0].sentences == ["Good evening, this is Rosa's."]


async def test_a_vendor_that_must_have_the_greeting_has_it_and_says_it_once() -> None:
    fake = engine("From five.", can=attrs.evolve(OWN_WAY, verbatim=Verbatim.GREETING))
    async with lab(plan(fake, **greeting())) as call:
        assert await call.listens() == "Good evening, this is Rosa's."
        assert await call.says("when are you open") == "From five."
    assert fake.sessions[0].setup.greeting == "Good evening, this is Rosa's."
    assert len(fake.sessions[0].responses) == 2


async def test_silence_is_broken_by_the_engine() -> None:
    rules = Agent(system_prompt="", idle_ms=(2_000, 2_000)).rules(
        vad=True, endpoints=True, engine=True
    )
    fake = engine("From five.")
    async with lab(plan(fake, rules=attrs.evolve(rules, greeting=False))) as call:
        await call.caller.waits(2_500)
        assert "Are you still there?" in await call.listens()


async def test_what_an_answer_used_is_noted() -> None:
    async with lab(plan(engine("From five."))) as call:
        await call.says("when are you open")
    used = {
        (each.unit, each.provider, each.model) for each in call.of(Usage) if each.kind == "engine"
    }
    assert used == {("tokens_in", "fake", "parrot-1"), ("audio_tokens_out", "fake", "parrot-1")}


async def test_an_agent_with_an_engine_needs_nothing_else() -> None:
    fake = engine("From five.")
    agent = Agent(system_prompt="You are Rosa.", engine=fake, first_message="Rosa's.")
    async with lab(agent, registry=PluginRegistry.from_environment()) as call:
        assert await call.listens() == "Rosa's."
        assert await call.says("when are you open") == "From five."


async def test_history_that_is_a_prompt_is_the_engines_business() -> None:
    fake = engine(
        "From five.", can=attrs.evolve(ABLE, history=HistoryForm.PROMPT, resumption=False)
    )
    async with lab(plan(fake)) as call:
        await call.says("when are you open")
        fake.sessions[0].fail()
        await call.caller.waits(1_000)
    assert "user: when are you open" in fake.sessions[1].instructions


def test_rules_of_an_engine() -> None:
    rules = Agent(system_prompt="").rules(vad=True, endpoints=True, engine=True)
    assert isinstance(rules, TurnRules)
    assert (rules.needs_words, rules.barge_in_mode, rules.speak_after_ms) == (False, "cancel", 0)


@pytest.mark.parametrize("can", [ABLE, attrs.evolve(ABLE, quiet_tool_results=False)])
async def test_a_tool_that_outlives_its_answer_is_still_answered(can: Any) -> None:
    go_on = asyncio.Event()

    @tool(reassurance="One moment, I am booking it for you right now.")
    async def book_table(people: int) -> str:
        """Book."""
        await go_on.wait()
        return f"booked for {people}"

    fake = engine("Hello.", "It is booked.", can=can)
    async with lab(plan(fake, tools=(book_table,))) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(600)
        await call.caller.says("hurry up please will you")
        assert fake.sessions[0].results == {}, "a tool that runs has not failed"
        go_on.set()
        await call.caller.waits(3_000)
    assert fake.sessions[0].results == {"call-1": "booked for 2"}
    assert call.utterances[-1] == "It is booked."


async def test_what_was_heard_counts_from_where_a_response_began() -> None:
    go_on = asyncio.Event()

    @tool(reassurance="One moment, I am booking it for you.")
    async def book_table(people: int) -> str:
        """Book."""
        await go_on.wait()
        return f"booked for {people}"

    fake = engine("Hello.", "It is booked, and we look forward to seeing you.", "Bye.")
    quiet = attrs.evolve(plan(fake).rules, filler_ms=0, progress_ms=0)
    async with lab(plan(fake, tools=(book_table,), rules=quiet)) as call:
        await call.says("a table for two")
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        assert await call.listens() == "One moment, I am booking it for you."
        go_on.set()
        await call.interrupts("thank you very much indeed", after_ms=600)
    _, heard_ms = fake.sessions[0].interrupted[-1]
    assert 600 <= heard_ms <= 1_800, "the reassurance before it was another response"


async def test_an_answer_of_the_vendors_own_that_nobody_wants_yet_is_asked_for_later() -> None:
    made = greeting("Good evening, this is Rosa's, how may I help you tonight?")
    made["rules"] = attrs.evolve(made["rules"], greeting_interruptible=False)
    fake = engine("Hm.", "From five.", "From five.", can=OWN_WAY)
    async with lab(plan(fake, **made)) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(300)
        await call.caller.says("when are you open tonight")
        await call.caller.hears_the_agent_out()
        await call.caller.waits(2_000)
    assert call.utterances[0] == "Good evening, this is Rosa's, how may I help you tonight?"
    dropped = [heard_ms for _, heard_ms in fake.sessions[0].interrupted]
    assert dropped == [0]
    assert "From five." in call.utterances
