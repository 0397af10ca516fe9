"""Engines that owe a response which never comes: whatever the stage, the caller hears of it."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.call.plan import CallPlan
from patter.observe.events import ErrorEvent, Note
from patter.providers.engine import Verbatim
from patter.providers.llm import ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeEngine, FakeTTS, lab

from .engine_plans import OWN_WAY, SPEAKS, engine, greeting, plan

pytestmark = pytest.mark.virtual_time

BY_ITSELF = attrs.evolve(OWN_WAY, text_out=False)
GREETS = attrs.evolve(BY_ITSELF, verbatim=Verbatim.GREETING)
APOLOGY = "something went wrong"


@tool
async def book_table(people: int) -> str:
    """Book."""
    await asyncio.sleep(1)
    return f"booked for {people}"


def no_fillers(fake: FakeEngine, **changes: Any) -> CallPlan:
    made = plan(fake, **changes)
    return attrs.evolve(made, rules=attrs.evolve(made.rules, filler_ms=0, progress_ms=0))


@pytest.mark.parametrize("can", [SPEAKS, BY_ITSELF], ids=["asked", "its own way"])
async def test_an_answer_that_never_begins_is_asked_of_another_session(can: Any) -> None:
    fake = engine("From five to eleven.", can=can)
    async with lab(no_fillers(fake)) as call:
        await call.caller.waits(100)
        fake.sessions[0].mute = True
        await call.caller.says("when are you open")
        asked_ms = call.leg.now_ms
        assert await call.listens() == "From five to eleven."
        assert call.leg.now_ms - asked_ms < 12_000
    assert len(fake.sessions) == 2
    assert not call.of(ErrorEvent)


@pytest.mark.parametrize("can", [SPEAKS, BY_ITSELF], ids=["asked", "its own way"])
@pytest.mark.parametrize("fault", [{"mute": True}, {"stalls_at_ms": 0}], ids=["none", "empty"])
async def test_a_vendor_that_answers_in_no_session_is_apologised_for(can: Any, fault: Any) -> None:
    fake = engine("From five to eleven.", can=can, **fault)
    async with lab(no_fillers(fake, tts=FakeTTS())) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(20_000)
    assert [said for said in call.utterances if APOLOGY in said]
    assert len(fake.sessions) == 2


@pytest.mark.parametrize("can", [SPEAKS, BY_ITSELF], ids=["asked", "its own way"])
async def test_an_answer_that_stops_is_apologised_for_in_another_session(can: Any) -> None:
    fake = engine("From five to eleven, every day.", can=can, stalls_at_ms=900)
    async with lab(no_fillers(fake)) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(11_000)
    assert APOLOGY in call.utterances[1], "the session that stopped cannot say it"


async def test_the_answer_to_a_tool_that_never_comes_is_asked_of_another_session() -> None:
    fake = engine("It is booked.", can=SPEAKS)
    async with lab(no_fillers(fake, tools=(book_table,))) as call:
        await call.caller.waits(100)
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await call.caller.waits(500)
        fake.sessions[0].mute = True
        assert await call.listens() == "It is booked."
        assert call.leg.now_ms < 12_000
    assert [row.text for row in fake.sessions[1].setup.history if row.role == "tool"]


async def test_the_answer_to_a_tool_that_never_comes_is_apologised_for_by_the_own_voice() -> None:
    fake = engine("It is booked.")
    async with lab(no_fillers(fake, tools=(book_table,), tts=FakeTTS())) as call:
        await call.caller.waits(100)
        fake.sessions[0].want(ToolRequest("call-1", "book_table", '{"people": 2}'))
        await call.caller.waits(500)
        fake.sessions[0].mute = True
        assert APOLOGY in await call.listens()
        assert call.leg.now_ms < 14_000
        assert len(fake.sessions) == 2
        assert await call.says("are you there") == "It is booked.", "the next turn has a vendor"


async def test_a_greeting_that_never_comes_is_said_by_another_session() -> None:
    fake = engine(can=GREETS, mute=True)
    async with lab(plan(fake, **greeting())) as call:
        await call.caller.waits(100)
        object.__setattr__(fake, "mute", False)  # for the sessions that follow
        assert await call.listens() == "Good evening, this is Rosa's."
        assert call.leg.now_ms < 12_000
    assert len(fake.sessions) == 2


@pytest.mark.parametrize("can", [SPEAKS, BY_ITSELF], ids=["asked", "its own way"])
async def test_a_vendor_that_is_silent_for_good_does_not_keep_the_line(can: Any) -> None:
    fake = engine(can=can, mute=True)
    async with lab(no_fillers(fake)) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(20_000)
        await call.caller.hears_the_agent_hang_up()
        assert call.leg.now_ms < 35_000
    assert call.summary is not None and call.summary.outcome == "failed"


async def test_keys_that_a_vendor_does_not_take_cost_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(_: object, digits: str) -> None:
        await asyncio.Event().wait()

    fake = engine("Pressed.")
    async with lab(no_fillers(fake)) as call:
        await call.caller.waits(100)
        monkeypatch.setattr(type(fake.sessions[0]), "send_keys", never)
        await call.caller.presses("12#")
        assert await call.listens() == "Pressed."
    assert [error.where for error in call.of(ErrorEvent)] == ["engine fake: the caller's keys"]


async def test_a_session_that_dies_as_it_is_asked_costs_no_call() -> None:
    # The words and the end of the connection come in one packet: nobody has seen the end yet.
    fake = FakeEngine(replies=("From five to eleven.",), can=SPEAKS)
    async with lab(no_fillers(fake)) as call:

        def heard(text: str) -> None:
            session = fake.sessions[-1]
            session.hear(text)
            session.fail()

        call.caller.on_speech = heard
        assert await call.says("when are you open") == "From five to eleven."
    assert len(fake.sessions) == 2
    assert not call.of(ErrorEvent)
    assert call.summary is not None and call.summary.outcome == "completed"


@pytest.mark.parametrize("can", [SPEAKS, BY_ITSELF], ids=["asked", "its own way"])
async def test_an_answer_in_which_nothing_is_said_is_asked_for_again(can: Any) -> None:
    fake = engine("", "From five to eleven.", can=can)
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        assert await call.listens() == "From five to eleven."
    assert len(fake.sessions) == 1
    assert not call.of(ErrorEvent)
    assert [note.what for note in call.of(Note)] == ["empty_answer"]


async def test_a_vendor_that_says_nothing_twice_is_apologised_for() -> None:
    async with lab(plan(engine("", can=SPEAKS))) as call:
        await call.caller.says("when are you open")
        assert APOLOGY in await call.listens()
    assert "answered nothing" in call.of(ErrorEvent)[0].message
