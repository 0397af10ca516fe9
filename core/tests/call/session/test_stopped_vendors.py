"""Vendors that stop in the middle, or answer nothing: named in the record, and heard in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from patter.agent import Agent
from patter.call.mind import FunctionMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.events import MachineDetected
from patter.observe.events import ErrorEvent, Row, Wire
from patter.providers.llm import DoneChunk, LLMChunk, LLMRequest, TextChunk, ToolRequest
from patter.tools.tool import tool
from patter_testing import FakeLLM, FakeTTS, LabCall, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
RULES = attrs.evolve(Agent(system_prompt="").rules(vad=True), greeting=False)
PHRASES = Phrases()
ASKED = Reply(text="Let me look.", tools=(ToolRequest("t1", "look", "{}"),))


def usual(llm: Any = None, **changes: Any) -> CallPlan:
    return plan(llm, **{"rules": RULES, "phrases": PHRASES, **changes})


def codes(call: LabCall) -> list[str]:
    return [error.code for error in call.of(ErrorEvent)]


def silences(call: LabCall, since_ms: float = 0.0) -> list[int]:
    """How long the caller heard nothing between what the agent said, from *since_ms* on."""
    ends, found = since_ms, []
    for each in call.leg.played:
        if each.at_ms >= since_ms:
            found.append(round(each.at_ms - ends))
        ends = max(ends, each.at_ms + call.leg.audio.ms_in(len(each.audio)))
    return found


@attrs.frozen
class StopsAfter:
    """A model that says *text* and then nothing more."""

    text: str
    model: str = "stops"

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        yield TextChunk(self.text)
        await asyncio.get_running_loop().create_future()
        yield DoneChunk("stop")


async def test_a_model_that_stops_in_mid_reply_is_apologised_for() -> None:
    async with lab(usual(StopsAfter("We have two tables. Would"))) as call:
        await call.caller.says("is there a table")
        spoke = call.leg.now_ms
        await call.caller.waits(12_000)
        assert max(silences(call, spoke)) < 4_500
    assert call.utterances[:2] == ["We have two tables.", PHRASES.apology]
    assert codes(call) == ["TIMEOUT"]


async def test_a_model_that_never_begins_is_filled_for_and_then_apologised_for() -> None:
    async with lab(usual(FakeLLM(replies=(Reply(silent=True),)))) as call:
        await call.caller.says("is there a table")
        spoke = call.leg.now_ms
        await call.caller.waits(22_000)
        heard = call.caller.heard_text()
        assert max(silences(call, spoke)) < 8_500
    assert heard.startswith(PHRASES.filler + PHRASES.progress + PHRASES.apology)
    assert codes(call) == ["TIMEOUT"]


async def test_a_voice_that_stops_at_the_second_sentence_is_apologised_for() -> None:
    voice = FakeTTS(stalls_at_ms=1_140)
    replies = ("We have two tables. Would you like one of them?",)
    async with lab(usual(FakeLLM(replies=replies)), tts=voice) as call:
        await call.caller.says("is there a table")
        await call.caller.waits(9_000)
    assert "TIMEOUT" in codes(call)
    assert next(row.turn for row in call.of(Row) if row.role == "agent") == 1


async def test_a_long_lookup_is_reported_on_while_it_runs() -> None:
    @tool(effect="read", timeout_s=290)
    async def look() -> str:
        await asyncio.sleep(29)
        return "found"

    llm = FakeLLM(replies=(ASKED, "I found it."))
    async with lab(usual(llm, tools=(look,))) as call:
        await call.caller.says("is there a table")
        spoke = call.leg.now_ms
        await call.caller.waits(36_000)
        assert max(silences(call, spoke)) < 8_500
        heard = call.caller.heard_text()
    assert heard.startswith("Let me look." + PHRASES.filler + PHRASES.progress)
    assert call.utterances == ["Let me look. I found it."], "a filler is no part of the answer"
    assert not codes(call)


async def test_a_lookup_that_never_ends_is_given_up_aloud() -> None:
    @tool(effect="read", timeout_s=290)
    async def look() -> str:
        await asyncio.sleep(280)
        return "found"

    async with lab(usual(FakeLLM(replies=(ASKED,)), tools=(look,))) as call:
        await call.caller.says("is there a table")
        spoke = call.leg.now_ms
        await call.caller.waits(70_000)
        assert max(silences(call, spoke)) < 8_500
    assert call.utterances[1] == PHRASES.apology


@pytest.mark.parametrize("handler", [False, True])
async def test_an_empty_answer_is_asked_for_again_then_apologised_for(handler: bool) -> None:
    asked = []

    async def nothing(message: dict[str, Any]) -> str:
        asked.append(message["text"])
        return ""

    llm = FakeLLM(replies=(Reply(),))
    made = usual(mind=FunctionMind(nothing)) if handler else usual(llm)
    async with lab(made) as call:
        await call.caller.says("is there a table")
        spoke = call.leg.now_ms
        assert await call.listens() == PHRASES.apology
        assert call.leg.now_ms - spoke < 6_000
    assert len(asked if handler else llm.requests) == 2
    assert codes(call) == ["PROVIDER_ERROR"]


async def test_an_answer_that_is_there_the_second_time_is_the_answer() -> None:
    async with lab(usual(FakeLLM(replies=(Reply(), "Yes.")))) as call:
        assert await call.says("is there a table") == "Yes."
    assert not codes(call)


async def test_a_silent_caller_who_waits_for_a_booking_is_not_hung_up_on() -> None:
    @tool(effect="once", timeout_s=60)
    async def book() -> str:
        await asyncio.sleep(40)
        return "booked"

    asked = Reply(text="I am booking that for you now.", tools=(ToolRequest("t1", "book", "{}"),))
    llm = FakeLLM(replies=(asked, "It is booked."))
    rules = attrs.evolve(RULES, barge_in_mode="cancel")
    async with lab(usual(llm, tools=(book,), rules=rules)) as call:
        await call.caller.says("book it for me")
        await call.caller.hears_the_agent_begin()
        await call.caller.sounds(b"\x11" * call.leg.audio.bytes_in(700))
        call.stt.sessions[-1].hear("")
        spoke = call.leg.now_ms
        await call.caller.waits(48_000)
        assert not call.leg.closed
        assert max(silences(call, spoke)) < 8_500
    said = " ".join(call.utterances)
    assert "It is booked." in said
    assert not any(phrase in said for phrase in PHRASES.reprompts)


async def test_a_cut_that_proved_false_is_gone_on_from() -> None:
    llm = FakeLLM(replies=("Our tables are all by the window, and there is room for two.",))
    rules = attrs.evolve(RULES, barge_in_mode="cancel")
    async with lab(usual(llm, rules=rules)) as call:
        await call.caller.says("is there a table")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(1_000)
        await call.caller.sounds(b"\x11" * call.leg.audio.bytes_in(800))
        call.stt.sessions[-1].hear("")
        await call.caller.waits(6_000)
    first, rest = call.utterances
    assert f"{first} {rest}" == "Our tables are all by the window, and there is room for two."


async def test_a_late_machine_verdict_is_noted_and_not_obeyed() -> None:
    async with lab(usual(FakeLLM(replies=("Yes.",)))) as call:
        await call.says("are you open today")
        await call.says("and is there a table")
        call.session.post(MachineDetected(call.session.now_ms(), True))
        assert await call.says("then I will come") == "Yes."
    assert call.summary is not None and call.summary.outcome == "completed"
    assert not [wire for wire in call.of(Wire) if wire.what == "voicemail"]
