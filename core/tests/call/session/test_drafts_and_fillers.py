"""An answer prepared early is the answer that would have come; a filler comes before it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.errors import PatterConnectionError
from patter.observe.events import EngineStep, Row
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, LabCall, Reply, lab

pytestmark = pytest.mark.virtual_time
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")


def plan(llm: FakeLLM, rules: TurnRules, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm),
        phrases=Phrases(),
        rules=rules,
    )
    return attrs.evolve(made, **changes)


def drafted(call: LabCall) -> list[str]:
    """What became of drafts, in order."""
    effects = [each for event in call.of(EngineStep) for each in event.effects]
    return [str(each) for each in effects if "raft" in str(each) or "iscard" in str(each)]


EARLY = TurnRules(speculate=True, idle_ms=())


async def test_a_draft_is_asked_for_with_what_the_caller_said() -> None:
    llm = FakeLLM(replies=("From five to eleven.", "Gladly."))
    async with lab(plan(llm, EARLY)) as call:
        assert await call.says("when are you open") == "From five to eleven."
        assert await call.says("thank you very much") == "Gladly."
    assert len(llm.requests) == 2
    assert [m.text for m in llm.requests[0].messages] == ["when are you open"]
    assert [m.text for m in llm.requests[1].messages] == [
        "when are you open",
        "From five to eleven.",
        "thank you very much",
    ]


async def test_a_draft_that_fails_is_an_answer_that_fails() -> None:
    llm = FakeLLM(replies=(Reply(fails=LOST), "Now it works."))
    async with lab(plan(llm, EARLY)) as call:
        assert await call.says("when are you open") == Phrases().apology
        assert await call.says("when are you open then") == "Now it works."


async def test_a_draft_reads_but_does_not_act_and_leaves_its_rows_in_order() -> None:
    ran: list[str] = []

    def look_up() -> str:
        ran.append("read")
        return "free"

    def book() -> str:
        ran.append("once")
        return "R-17"

    looking = Tool(name="look_up", handler=look_up, effect="read")
    booking = Tool(name="book", handler=book)
    asks = (ToolRequest("a", "look_up", "{}"), ToolRequest("b", "book", "{}"))
    llm = FakeLLM(replies=(Reply(tools=asks), "It is booked.", "Gladly."))
    async with lab(plan(llm, EARLY, tools=(looking, booking))) as call:
        assert await call.says("book it please") == "It is booked."
        await call.says("thank you so much")
    assert ran == ["read", "once"]
    told = [message.role for message in llm.requests[-1].messages]
    assert told == ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]


async def test_a_discarded_draft_leaves_nothing_behind() -> None:
    looking = Tool(name="look_up", handler=lambda: "free", effect="read")
    asks = Reply(tools=(ToolRequest("a", "look_up", "{}"),))
    llm = FakeLLM(
        answer=lambda request: (
            "Sunday it is."
            if "sunday" in request.messages[-1].text
            else asks
            if request.messages[-1].role == "user"
            else "Which day?"
        )
    )
    slow = attrs.evolve(EARLY, silence_ms=1_500)
    async with lab(plan(llm, slow, tools=(looking,))) as call:
        await call.caller.says("is a table free")
        assert await call.says("on sunday evening") == "Sunday it is."
    last = llm.requests[-1].messages
    assert [(m.role, m.text) for m in last] == [("user", "is a table free on sunday evening")]
    assert not [row for row in call.session.history.rows if row.role == "tool"]


async def test_a_filler_is_said_before_a_slow_answer() -> None:
    llm = FakeLLM(replies=(Reply(text="From five to eleven.", first_ms=3_000),))
    async with lab(plan(llm, TurnRules(filler_ms=800))) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(7_000)
        assert call.caller.heard_text() == "One moment.From five to eleven."
    call.expect_said("From five to eleven.")
    assert "One moment" not in " ".join(call.utterances)


async def test_a_filler_is_never_said_after_the_answer_has_begun() -> None:
    llm = FakeLLM(replies=("From five to eleven.",))
    tts = FakeTTS(first_ms=1_500)
    async with lab(plan(llm, TurnRules(filler_ms=800)), tts=tts) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(7_000)
        assert call.caller.heard_text() == "From five to eleven."
    assert [each for session in tts.sessions for each in session.sentences] == [
        "From five to eleven."
    ]


async def test_words_are_timed_from_the_answers_own_audio_not_the_fillers() -> None:
    llm = FakeLLM(
        replies=(Reply(text="We are open from five until eleven in the evening.", first_ms=1_500),)
    )
    async with lab(plan(llm, TurnRules(filler_ms=800)), tts=FakeTTS(timed=True)) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(3_000)
        await call.says("stop stop stop stop stop")
        heard = call.caller.heard_text().split("One moment.")[1]
    [row] = [r for r in call.of(Row) if r.interrupted]
    assert heard.startswith(row.text)
    assert len(heard) - len(row.text) < 20
