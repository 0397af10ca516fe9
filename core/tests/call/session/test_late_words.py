"""Recognisers that are late, doubled or stuck: words are taken once, and callers answered."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.agent import Agent
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.observe.events import ErrorEvent, Row, ToolRun
from patter.providers.llm import ToolRequest
from patter.providers.stt import Transcript
from patter.tools.tool import tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, LabCall, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
RULES = Agent(system_prompt="").rules(vad=True)
GREETING = "Welcome to the Bistro."


def usual(llm: FakeLLM | None = None, *, greeting: str = "", **changes: Any) -> CallPlan:
    """A plan with the rules an agent has unless told otherwise, without re-prompts."""
    rules = attrs.evolve(RULES, **{"idle_ms": (), "greeting": bool(greeting), **changes})
    return plan(llm, rules=rules, phrases=Phrases(greeting=greeting))


def callers(call: LabCall) -> list[str]:
    """The caller's rows as they stand at the end."""
    rows = {row.turn: row.text for row in call.of(Row) if row.role == "caller"}
    return list(rows.values())


async def speaks(call: LabCall, text: str, *, interim_ms: int, final_ms: int, places: bool) -> None:
    """Say *text*; its interim comes at *interim_ms*, its final *final_ms* after the voice."""
    session, began = await _session(call), call.leg.now_ms
    audio_ms = len(text) * 60

    def tell(final: bool) -> None:
        end_ms = int(began + audio_ms) if places else None
        session._deliver(Transcript(text, final, end_ms))

    loop = asyncio.get_running_loop()
    if interim_ms:
        loop.call_later(interim_ms / 1_000, tell, False)
    if final_ms:
        loop.call_later((audio_ms + final_ms) / 1_000, tell, True)
    call.caller.on_speech = None
    await call.caller.says(text)
    call.caller.on_speech = call.heard


@pytest.mark.parametrize("places", [True, False])
@pytest.mark.parametrize("interim_ms", [0, 250])
async def test_a_late_hello_at_pick_up_does_not_end_the_greeting(
    places: bool, interim_ms: int
) -> None:
    async with lab(usual(greeting=GREETING), tts=FakeTTS(first_ms=300)) as call:
        await speaks(call, "hello", interim_ms=interim_ms, final_ms=400, places=places)
        await call.listens()
        call.expect_said(GREETING)
        await call.caller.waits(2_000)
    assert callers(call) == ["hello"]
    assert call.utterances == [GREETING]


@pytest.mark.parametrize("places", [True, False])
async def test_an_interim_that_was_committed_is_not_booked_again_by_its_final(places: bool) -> None:
    booked = []

    @tool(effect="once")
    def book(people: int) -> str:
        booked.append(people)
        return "done"

    asked = Reply(tools=(ToolRequest("t1", "book", '{"people": 2}'),))
    llm = FakeLLM(replies=(asked, "It is booked for two."), answer=None)
    rules = attrs.evolve(RULES, idle_ms=(), greeting=False)
    made = plan(llm, rules=rules, tools=(book,), phrases=Phrases())
    async with lab(made, stt=FakeSTT(deaf=True)) as call:
        await speaks(call, "a table for two", interim_ms=700, final_ms=2_600, places=places)
        await call.listens()
        await call.caller.waits(3_000)
    assert booked == [2]
    assert callers(call) == ["a table for two"]
    assert call.utterances == ["It is booked for two."]


async def test_a_final_that_adds_words_amends_the_row() -> None:
    llm = FakeLLM(replies=(Reply(text="We are open until nine.", first_ms=200),))
    async with lab(usual(llm), stt=FakeSTT(deaf=True)) as call:
        session = await _session(call)
        call.caller.on_speech = lambda _: session._deliver(Transcript("are you open", False, None))
        await call.caller.says("are you open")
        await call.caller.waits(2_500)
        session._deliver(Transcript("are you open on Sunday", True, None))
        await call.caller.waits(4_000)
    assert callers(call) == ["are you open on Sunday"]
    assert call.utterances == ["We are open until nine."]


async def test_a_detector_stuck_on_does_not_keep_the_caller_waiting() -> None:
    """The caller has finished, and a voice goes on behind."""
    async with lab(usual(FakeLLM(replies=("Until nine.",)))) as call:
        session, began = await _session(call), call.leg.now_ms
        loop = asyncio.get_running_loop()
        loop.call_later(0.6, session._deliver, Transcript("are you", False, None))
        loop.call_later(1.0, session._deliver, Transcript("are you open", True, None))
        await call.caller.sounds(b"\x11" * call.leg.audio.bytes_in(6_000))
        first = next(each.at_ms for each in call.leg.played) - began
        assert first <= 1_000 + 2_500 + RULES.speak_after_ms


async def test_unbroken_speech_without_interims_is_heard_out() -> None:
    made = usual(FakeLLM(replies=("I see.",)), idle_ms=(8_000,) * 3)
    async with lab(made, stt=FakeSTT(deaf=True)) as call:
        session = await _session(call)
        loop = asyncio.get_running_loop()
        loop.call_later(15.6, session._deliver, Transcript("so this is what happened", True, None))
        call.caller.on_speech = lambda _: session.hear("and that is all")
        await call.caller.sounds(b"\x11" * call.leg.audio.bytes_in(25_000))
        assert not call.leg.played
        session.hear("and that is all")
        assert await call.listens() == "I see."
    assert callers(call) == ["so this is what happened and that is all"]


async def test_noise_over_a_ready_answer_is_waited_out_and_is_no_failure() -> None:
    async with lab(usual(FakeLLM(replies=("Until nine.",)), barge_in_mode="cancel")) as call:
        await call.caller.says("are you open today")
        await call.caller.sounds(b"\x11" * call.leg.audio.bytes_in(17_000))
        call.stt.sessions[-1].hear("")
        assert await call.listens() == "Until nine."
    assert call.summary is not None and call.summary.outcome == "completed"
    assert not call.of(ErrorEvent)


async def test_a_slow_answer_comes_however_often_the_caller_asks_for_it() -> None:
    llm = FakeLLM(replies=(Reply(text="It is the red one.", first_ms=14_000),))
    async with lab(usual(llm)) as call:
        await call.caller.says("which of the lines do I take")
        for _ in range(2):
            await call.caller.waits(5_000)
            await call.caller.says("hello?")
        await call.caller.waits(9_000)
        heard = call.caller.heard_text()
    assert "It is the red one." in heard
    assert len(llm.requests) == 1


async def test_words_that_go_on_and_on_take_a_turn_back_twice_at_most() -> None:
    llm = FakeLLM(replies=(Reply(text="It is the red one.", first_ms=3_000),))
    async with lab(usual(llm, language="", speak_after_ms=0)) as call:
        await call.caller.says("which of the lines do I take")
        for words in ("from here", "to the station", "in the morning", "with a dog"):
            await call.caller.waits(1_500)
            await call.caller.says(words)
        assert "It is the red one." in await call.listens()
        await call.caller.waits(8_000)
    spoken = " ".join(callers(call))
    assert all(words in spoken for words in ("from here", "in the morning", "with a dog"))


async def test_please_over_a_lookup_leaves_no_error_behind_it() -> None:
    @tool(effect="read")
    async def look_up(name: str) -> str:
        await asyncio.sleep(2)
        return f"{name} is open"

    asked = Reply(tools=(ToolRequest("t1", "look_up", '{"name": "bar"}'),))

    def answer(request: Any) -> Reply | str:
        return "It is open." if request.messages[-1].role == "tool" else asked

    llm = FakeLLM(answer=answer)
    rules = attrs.evolve(RULES, idle_ms=(), greeting=False, language="")
    async with lab(plan(llm, rules=rules, tools=(look_up,), phrases=Phrases())) as call:
        await call.caller.says("is the bar open today")
        await call.caller.waits(700)
        await call.says("please")
        await call.caller.waits(3_000)
    assert call.utterances == ["It is open."]
    for request in llm.requests:
        assert not any("cancelled" in message.text for message in request.messages)
    last = [message for message in llm.requests[-2].messages if message.role == "user"][-1]
    assert llm.requests[-2].messages[-1] == last
    assert last.text == "is the bar open today please"
    assert [run.ok for run in call.of(ToolRun) if run.what == "finished"] == [False, True]


async def test_a_caller_who_speaks_over_the_end_is_heard_out_with_threshold_0() -> None:
    llm = FakeLLM(replies=("Which day?", "On Sunday, fine."))
    rules: dict[str, Any] = {"barge_in_threshold_ms": 0, "barge_in_mode": "cancel"}
    async with lab(usual(llm, **rules)) as call:
        await call.caller.says("a table for two")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(300)
        await call.caller.says("on Sunday afternoon please if there is one")
        await call.caller.waits(4_000)
    assert callers(call)[1:] == ["on Sunday afternoon please if there is one"]
    assert call.utterances == ["Which day?", "On Sunday, fine."]


async def test_the_rules_are_those_of_an_agent() -> None:
    assert RULES.barge_in_mode == "pause_resume"
    assert (RULES.language, RULES.speak_after_ms) == ("en", 1_000)
    assert TurnRules().language == "", "the engine alone knows no language"


async def _session(call: LabCall) -> Any:
    await call.caller.waits(100)
    return call.stt.sessions[-1]
