"""Whole calls in virtual time: what the caller hears, what the model is shown, what is written."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.call.control import CallControl
from patter.call.hooks import PipelineHooks
from patter.call.mind import FunctionMind, ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.codec import effects_to_data, replay, rules_from_data
from patter.call.turn.events import DrainRequested, MachineDetected
from patter.call.turn.rules import TurnRules
from patter.observe.codec import event_fields
from patter.observe.events import BargeIn, Ended, EngineStep, Resumed, Row, Started, Turn, Wire
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailVerdict
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool, tool
from patter_testing import (
    FakeCarrier,
    FakeGuardrail,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    Reply,
    lab,
)

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you today?"


def plan(llm: FakeLLM | None = None, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm or FakeLLM()),
        phrases=Phrases(greeting=GREETING),
    )
    return attrs.evolve(made, **changes)


async def test_a_caller_is_greeted_answered_and_let_go() -> None:
    llm = FakeLLM(replies=("From five to eleven.",))
    async with lab(plan(llm)) as call:
        assert await call.listens() == GREETING
        assert await call.says("when are you open") == "From five to eleven."
    assert call.summary is not None
    assert (call.summary.outcome, call.summary.reason) == ("completed", "caller")
    assert [m.text for m in llm.requests[0].messages] == [GREETING, "when are you open"]


async def test_unheard_words_never_reach_the_model() -> None:
    llm = FakeLLM(replies=("From five to eleven.",))
    async with lab(plan(llm)) as call:
        await call.interrupts("just the opening hours please", after_ms=900)
    [greeting, question] = llm.requests[0].messages
    assert GREETING.startswith(greeting.text.removesuffix(" [interrupted by the caller]"))
    assert "today" not in greeting.text
    assert question.text == "just the opening hours please"
    [barge_in] = call.of(BargeIn)
    assert barge_in.evidence_ms is not None
    assert barge_in.cut_ms - barge_in.evidence_ms <= 5
    [row] = [row for row in call.of(Row) if row.interrupted]
    assert f"{row.text} {row.unheard}" == GREETING


async def test_a_cut_clears_the_carrier_at_once() -> None:
    async with lab(plan()) as call:
        await call.interrupts("just the opening hours please", after_ms=900)
    [barge_in] = call.of(BargeIn)
    assert barge_in.evidence_ms is not None
    assert call.leg.clears[0] - barge_in.evidence_ms <= 5


async def test_a_cough_loses_nothing() -> None:
    async with lab(plan()) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.sounds(b"\x00" * 8 * 100)
        assert await call.listens() == GREETING
    assert call.of(Resumed)


async def test_a_tool_runs_once_and_its_result_is_spoken_and_remembered() -> None:
    booked: list[int] = []

    @tool
    def book_table(people: int) -> str:
        """Book a table."""
        booked.append(people)
        return "R-17"

    request = ToolRequest("t1", "book_table", '{"people": 2}')
    llm = FakeLLM(replies=(Reply(tools=(request,)), "Booked, reference R-17.", "Gladly."))
    async with lab(plan(llm, tools=(book_table,))) as call:
        await call.listens()
        assert await call.says("book a table for two") == "Booked, reference R-17."
        await call.says("thank you")
    call.expect_tool("book_table", people=2)
    assert booked == [2]
    roles = [message.role for message in llm.requests[-1].messages]
    assert roles == ["assistant", "user", "assistant", "tool", "assistant", "user"]


async def test_a_booking_outlives_the_caller_talking_over_it() -> None:
    made: list[str] = []

    async def book(call: CallContext) -> str:
        await call.clock.sleep(4_000)
        made.append("R-17")
        return "R-17"

    booking = Tool(name="book", handler=book)
    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)), "It is R-17.", "Yes."))
    async with lab(plan(llm, tools=(booking,))) as call:
        await call.listens()
        await call.caller.says("book it")
        await call.caller.waits(800)
        await call.says("and a chair for the baby please")
        assert made == ["R-17"]
        shown = llm.requests[-1].messages
    assert any(message.role == "tool" and message.text == "R-17" for message in shown)


async def test_a_read_tool_is_cancelled_when_its_question_changes() -> None:
    cancelled: list[bool] = []

    async def look_up(call: CallContext) -> str:
        try:
            await call.clock.sleep(5_000)
        except BaseException:
            cancelled.append(True)
            raise
        return "late"

    looking = Tool(name="look_up", handler=look_up, effect="read")
    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "look_up", "{}"),)), "Fine."))
    async with lab(plan(llm, tools=(looking,))) as call:
        await call.listens()
        await call.caller.says("look it up")
        await call.caller.waits(600)
        await call.says("never mind that at all")
    assert cancelled == [True]


async def test_a_slow_tool_reassures() -> None:
    async def slow(call: CallContext) -> str:
        await call.clock.sleep(3_000)
        return "done"

    slowly = Tool(name="slow", handler=slow, reassurance="One moment, please.")
    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "slow", "{}"),)), "It is done."))
    async with lab(plan(llm, tools=(slowly,))) as call:
        await call.listens()
        await call.caller.says("do it")
        await call.caller.waits(6_000)
    call.expect_said("One moment, please. It is done.")


async def test_the_agent_hangs_up_when_its_goodbye_was_heard() -> None:
    bye = Reply(text="Goodbye, see you soon.", tools=(ToolRequest("t", "end_call", "{}"),))
    llm = FakeLLM(replies=(bye, Reply(text="")))
    async with lab(plan(llm)) as call:
        await call.listens()
        await call.caller.says("that was all")
        await call.caller.hears_the_agent_hang_up()
    call.expect_said("Goodbye, see you soon.")
    assert call.summary is not None and call.summary.reason == "agent"
    assert [order.deed for order in call.carrier.orders] == ["hangup"]


async def test_keys_are_a_turn() -> None:
    llm = FakeLLM(replies=("Two it is.",))
    async with lab(plan(llm)) as call:
        await call.listens()
        await call.caller.presses("2#")
        assert await call.listens() == "Two it is."
    assert llm.requests[0].messages[-1].text == "[DTMF: 2#]"


async def test_typed_words_are_answered_like_spoken_ones() -> None:
    llm = FakeLLM(replies=("Yes, we are.",))
    async with lab(plan(llm)) as call:
        await call.listens()
        call.caller.types("are you open")
        assert await call.listens() == "Yes, we are."


async def test_a_silent_caller_is_asked_twice_then_let_go() -> None:
    rules = TurnRules(idle_ms=(2_000, 2_000, 2_000))
    async with lab(plan(rules=rules)) as call:
        await call.caller.waits(30_000)
    assert call.utterances[1:] == [
        "Are you still there?",
        "Hello? Can you hear me?",
        "I cannot hear you, so I will hang up. Goodbye.",
    ]
    assert call.summary is not None and call.summary.reason == "idle"


async def test_the_longest_call_ends_with_a_goodbye() -> None:
    async with lab(plan(rules=TurnRules(call_max_ms=20_000, idle_ms=()))) as call:
        await call.caller.waits(60_000)
    assert call.utterances[-1] == "I am afraid our time is up. Goodbye."
    assert call.summary is not None and call.summary.duration_ms < 30_000


async def test_a_drain_is_a_goodbye() -> None:
    async with lab(plan(rules=TurnRules(idle_ms=()))) as call:
        await call.listens()
        now = call.session.now_ms()
        call.session.post(DrainRequested(now, now + 1_000))
        await call.caller.waits(20_000)
    assert call.utterances[-1].startswith("I am sorry, I have to end this call.")
    assert call.summary is not None and call.summary.reason == "drain"


async def test_a_machine_is_hung_up_on() -> None:
    async with lab(plan()) as call:
        await call.caller.hears_the_agent_begin()
        call.session.post(MachineDetected(call.session.now_ms(), True))
        await call.caller.hears_the_agent_hang_up()
    assert call.summary is not None
    assert (call.summary.outcome, call.summary.reason) == ("voicemail", "machine")
    (ended,) = call.of(Ended)
    assert ended.outcome == "voicemail"


async def test_a_brain_of_the_applications_own_answers() -> None:
    async def brain(message: dict[str, object], call: object) -> str:
        return f"You said {message['text']}."

    async with lab(plan(mind=FunctionMind(brain))) as call:
        await call.listens()
        assert await call.says("hello there again") == "You said hello there again."


async def test_what_a_guardrail_refuses_is_not_said() -> None:
    guard = FakeGuardrail()
    llm = FakeLLM(replies=("Sue them in a lawsuit. Have a nice day then.",))

    class NoLawsuits:
        name = "legal"

        async def check(self, text: str, speaker: str, call: object) -> GuardrailVerdict:
            bad = "lawsuit" in text
            return GuardrailVerdict(not bad, "I cannot talk about that." if bad else "")

    async with lab(plan(llm, guardrails=(guard, NoLawsuits()))) as call:
        await call.listens()
        heard = await call.says("what should I do")
    assert "lawsuit" not in heard and "I cannot talk about that." in heard


async def test_hooks_change_what_is_said_and_veto_turns() -> None:
    hooks = PipelineHooks(
        before_synthesize=lambda sentence, call: sentence.replace("Rosa", "Rohza"),
        after_transcribe=lambda text, call: None if "noise" in text else text,
    )
    llm = FakeLLM(replies=("This is Rosa speaking.",))
    async with lab(plan(llm, hooks=hooks)) as call:
        await call.listens()
        await call.caller.says("noise noise noise")
        await call.caller.waits(1_000)
        assert await call.says("who is there") == "This is Rohza speaking."
    assert len(llm.requests) == 1


@pytest.mark.parametrize("speculate", [False, True])
async def test_a_hook_changes_what_the_model_reads_and_not_what_is_recorded(
    speculate: bool,
) -> None:
    hooks = PipelineHooks(after_transcribe=lambda text, call: text.replace("4111", "[card]"))
    llm = FakeLLM(replies=("Thank you.", "Gladly."))
    rules = TurnRules(speculate=speculate, idle_ms=())
    async with lab(plan(llm, hooks=hooks, rules=rules, phrases=Phrases())) as call:
        assert await call.says("my card is 4111") == "Thank you."
        assert await call.says("what is next") == "Gladly."
    read = [message.text for request in llm.requests for message in request.messages]
    assert read.count("my card is [card]") == 2 and "4111" not in " ".join(read)
    rows = [row.text for row in call.of(Row) if row.role == "caller"]
    assert rows == ["my card is 4111", "what is next"]


async def test_a_brain_is_told_what_a_hook_made_of_a_turn() -> None:
    got: list[str] = []

    def answer(message: dict[str, Any]) -> str:
        got.append(message["text"])
        return "Thank you."

    hooks = PipelineHooks(after_transcribe=lambda text, call: text.upper())
    async with lab(plan(mind=FunctionMind(answer), hooks=hooks)) as call:
        await call.listens()
        await call.says("my name is ada")
    assert got == ["MY NAME IS ADA"]


async def test_digits_go_to_whoever_collects_them() -> None:
    got: list[str] = []

    async def ask(message: object, control: CallControl) -> str:
        got.append(await control.collect_digits(4))
        return "Thank you for the digits."

    async with lab(plan(mind=FunctionMind(ask))) as call:
        await call.listens()
        await call.caller.says("let me type it")
        await call.caller.waits(800)
        await call.caller.presses("1234")
        await call.listens()
    assert got == ["1234"]


async def test_a_lost_leg_is_not_the_end_of_the_call() -> None:
    carrier = FakeCarrier(can=attrs.evolve(FakeCarrier().can, reconnect=True))
    async with lab(plan(), carrier=carrier) as call:
        await call.listens()
        call.leg.drop()
        again = call.carrier.leg()
        await asyncio.sleep(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.session.attach(again))
            call.leg = call.caller.leg = again
            call.caller._noticed_ms = 0.0
            assert await call.says("still there my friend") == "Yes."
            await call.hangs_up()
    assert [w.what for w in call.of(Wire) if "leg" in w.what] == [
        "leg_lost",
        "leg_back",
    ]


async def test_stepping_a_record_again_gives_the_same_effects() -> None:
    async with lab(plan(rules=TurnRules(speculate=True))) as call:
        await call.interrupts("just the opening hours please", after_ms=900)
        await call.caller.presses("7")
        await call.listens()
    rules = rules_from_data(call.of(Started)[0].rules)
    rows = [event_fields(event) for event in call.of(EngineStep)]
    again = [effects_to_data(effects) for _, effects in replay(rules, rows)]
    assert again == [row["effects"] for row in rows]


async def test_every_gap_is_the_sum_of_its_stages() -> None:
    llm = FakeLLM(replies=(Reply(text="One moment. Here it is.", first_ms=230, gap_ms=15),))
    async with lab(plan(llm, phrases=Phrases()), tts=FakeTTS(first_ms=120)) as call:
        for _ in range(3):
            await call.says("tell me more about it")
    turns = call.of(Turn)
    assert len(turns) == 3
    for turn in turns:
        assert sum(turn.stages.values()) == turn.gap_ms
        assert turn.stages["llm"] >= 230 and turn.stages["tts"] >= 119
