"""A long conversation is summed up beside the call, which never waits for it."""

from __future__ import annotations

import json
import logging
from typing import Any

import attrs
import pytest

from patter.call.compaction import CompactionConfig, estimated_tokens
from patter.call.compactor import SUMMARY_S
from patter.call.custom_llm import CustomLLM
from patter.call.hooks import PipelineHooks
from patter.call.mind import FunctionMind, Mind, ModelMind
from patter.call.note_prompts import SUMMARY_HEAD
from patter.call.plan import CallPlan, Phrases
from patter.call.role import Role
from patter.call.turn.rules import TurnRules
from patter.errors import PatterConnectionError
from patter.llm.fallback import FallbackLLMProvider
from patter.observe.events import Note, Row, Usage
from patter.providers.llm import LLMRequest, Message, ToolRequest
from patter.tools.tool import Tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, LabCall, Reply, lab
from patter_testing.fakes.tts import spoken

pytestmark = pytest.mark.virtual_time

SMALL = CompactionConfig(trigger_tokens=400, target_tokens=250, keep_last_turns=2)
LONG = "i would like to tell you about everything that has happened to me today " * 4
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
NOTES = "They talk about their day."


def is_summary(request: LLMRequest) -> bool:
    return "keep the notes of a phone call" in request.messages[0].text


def model(summary: Reply | str = NOTES) -> FakeLLM:
    return FakeLLM(answer=lambda request: summary if is_summary(request) else "I see.")


def plan(llm: FakeLLM, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm),
        system_prompt="You listen.",
        phrases=Phrases(),
        rules=TurnRules(idle_ms=(), greeting=False),
        compaction=SMALL,
    )
    return attrs.evolve(made, **changes)


async def talk(call: LabCall, turns: int, text: str = LONG) -> None:
    for turn in range(turns):
        # So much text would take minutes to speak, and says no more than a short voice.
        await call.caller.sounds(spoken("and then", call.leg.audio))
        call.heard(f"{turn} {text.strip()}")
        assert await call.listens() == "I see."


def answers(llm: FakeLLM) -> list[LLMRequest]:
    return [request for request in llm.requests if not is_summary(request)]


def notes(call: LabCall, what: str) -> list[str]:
    return [note.text for note in call.of(Note) if note.what.startswith(what)]


async def test_a_long_conversation_is_shown_as_its_summary_and_its_last_turns() -> None:
    llm = model()
    async with lab(plan(llm)) as call:
        await talk(call, 8)
        transcript = call.session.history.transcript()
    shown = answers(llm)[-1].messages
    assert [message.role for message in shown[:3]] == ["system", "system", "user"]
    assert shown[0].text == "You listen." and shown[1].text == f"{SUMMARY_HEAD}\n\n{NOTES}"
    assert all(estimated_tokens(each.messages) < 2 * 400 for each in answers(llm))
    assert len(transcript) == 16, "the record keeps every word"
    assert len([row for row in call.of(Row) if row.role == "caller"]) == 8
    assert notes(call, "compaction") and not notes(call, "compaction_failed")


async def test_a_second_summary_knows_the_first() -> None:
    llm = model()
    async with lab(plan(llm)) as call:
        await talk(call, 12)
    summaries = [request for request in llm.requests if is_summary(request)]
    assert len(summaries) >= 2
    assert f"notes so far: {NOTES}" in summaries[1].messages[1].text
    assert "caller: 0 i would" not in summaries[1].messages[1].text


async def test_a_summary_is_paid_as_the_model_is() -> None:
    llm = model()
    async with lab(plan(llm)) as call:
        await talk(call, 6)
    assert len([use for use in call.of(Usage) if use.unit == "tokens_in"]) == len(llm.requests)


async def test_a_summary_that_comes_late_leaves_what_was_said_meanwhile() -> None:
    llm = model(Reply(text=NOTES, first_ms=25_000))
    async with lab(plan(llm)) as call:
        await talk(call, 6)
        before = len(answers(llm)[-1].messages)
        assert before > 9, "nobody has waited for the summary"
        await call.caller.waits(25_000)
        await talk(call, 1, "so it goes")
    shown = answers(llm)[-1].messages
    assert shown[1].text.endswith(NOTES) and shown[-1].text == "0 so it goes"
    said = [message.text for message in shown if message.role == "user"]
    assert [text.split()[0] for text in said] == ["3", "4", "5", "0"]


@pytest.mark.parametrize("bad", [Reply(silent=True), Reply(fails=LOST), Reply(text=""), "<think>a"])
async def test_without_a_summary_the_model_reads_everything_and_it_is_tried_again(
    bad: Reply | str,
) -> None:
    llm = model(bad)
    async with lab(plan(llm)) as call:
        await talk(call, 9)
        assert len([each for each in llm.requests if is_summary(each)]) == 1, "it is left alone"
        await call.caller.waits(SUMMARY_S * 1_000 + 60_000)
        await talk(call, 1)
    assert len([message for message in answers(llm)[-1].messages if message.role == "user"]) == 10
    assert len(notes(call, "compaction_failed")) == 1, "it is noted once"
    assert len([each for each in llm.requests if is_summary(each)]) == 2


async def test_there_is_one_summary_at_a_time() -> None:
    llm = model(Reply(text=NOTES, first_ms=29_000))
    async with lab(plan(llm)) as call:
        await talk(call, 9, "and so on and so on and so on " * 8)
        assert len([each for each in llm.requests if is_summary(each)]) == 1


async def test_a_summary_is_cut_where_it_is_too_long() -> None:
    llm = model("word " * 10_000)
    async with lab(plan(llm)) as call:
        await talk(call, 6)
    shown = next(each for each in answers(llm) if each.messages[1].role == "system")
    assert len(shown.messages[1].text) <= len(SUMMARY_HEAD) + 2 + 250 * 4
    assert shown.messages[1].text.endswith("word")


async def test_a_hook_keeps_from_the_summary_what_it_keeps_from_the_model() -> None:
    def hide(messages: tuple[Message, ...], _: object) -> list[Message]:
        return [attrs.evolve(each, text=each.text.replace("4111", "[card]")) for each in messages]

    llm = model()
    async with lab(plan(llm, hooks=PipelineHooks(before_llm=hide))) as call:
        await talk(call, 6, "my card is 4111 and " + LONG)
    assert any(is_summary(request) for request in llm.requests)
    assert "4111" not in str(llm.requests)


async def test_what_tools_found_is_summed_up_with_its_turn_and_a_handoff_keeps_the_summary() -> (
    None
):
    def find(n: str) -> str:
        return f"table {n} is free"

    def answer(request: LLMRequest) -> Reply | str:
        last = request.messages[-1]
        if is_summary(request):
            return NOTES
        if last.role == "tool":
            return "I see."
        name = "handoff_to" if "billing" in last.text else "find"
        key = {"handoff_to": "name", "find": "n"}[name]
        value = "billing" if name == "handoff_to" else last.text.split()[0]
        arguments = json.dumps({key: value, "reason": ""} if name == "handoff_to" else {key: value})
        return Reply(tools=(ToolRequest(f"id-{len(llm.requests)}", name, arguments),))

    llm = FakeLLM(answer=answer)
    made = plan(
        llm,
        tools=(Tool(name="find", handler=find, effect="read"),),
        handoffs={"billing": lambda: Role(agent="billing", system_prompt="You bill.")},
    )
    async with lab(made) as call:
        await talk(call, 6)
        await talk(call, 1, "billing please")
    summary = next(request for request in llm.requests if is_summary(request))
    assert "find answers: table 0 is free" in summary.messages[1].text
    for request in answers(llm):
        asked = [call.id for message in request.messages for call in message.tool_calls]
        found = [message.tool_call_id for message in request.messages if message.role == "tool"]
        assert asked == found, "a result without its request is refused by vendors"
    shown = answers(llm)[-1].messages
    assert shown[0].text == "You bill." and shown[1].text.endswith(NOTES)


async def test_a_call_that_ends_does_not_wait_for_a_summary() -> None:
    llm = model(Reply(silent=True))
    async with lab(plan(llm)) as call:
        await talk(call, 6)
        assert any(is_summary(request) for request in llm.requests)
        ended_ms = call.leg.now_ms
        await call.hangs_up()
    assert call.summary is not None and call.summary.duration_ms - ended_ms < 2_500


MINDS = (
    FunctionMind(lambda message: "I see."),
    ModelMind(FallbackLLMProvider((model(), CustomLLM(lambda message: "I see.")))),
)


@pytest.mark.parametrize("mind", MINDS, ids=("alone", "in a list of models"))
async def test_a_function_that_answers_keeps_its_own_notes(mind: Mind) -> None:
    async with lab(plan(model(), mind=mind)) as call:
        await talk(call, 6)
    assert notes(call, "compaction") == []


async def test_near_its_budget_a_call_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    llm = model()
    changes: dict[str, Any] = {"compaction": None, "context_token_budget": 800}
    with caplog.at_level(logging.WARNING, "patter.call"):
        async with lab(plan(llm, **changes)) as call:
            await talk(call, 12)
    [note] = [note for note in call.of(Note) if note.what == "context_budget"]
    reached = [estimated_tokens(request.messages) for request in llm.requests]
    assert note.context_tokens == next(count for count in reached if count >= 600)
    assert note.text == f"about {note.context_tokens} of 800 tokens"
    assert sum("context_token_budget" in line for line in caplog.messages) == 1


async def test_below_its_budget_a_call_says_nothing() -> None:
    async with lab(plan(model(), compaction=None, context_token_budget=8_000)) as call:
        await talk(call, 4)
    assert notes(call, "context_budget") == []
