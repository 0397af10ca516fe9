"""Guardrails in whole calls: nothing they refuse is heard, and history has what was spoken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import Guardrail, guardrail
from patter.observe.events import Note, Row
from patter.providers.guardrail import REPLACEMENT, GuardrailVerdict
from patter_testing import FakeGuardrail, FakeLLM, FakeTTS, lab

from .engine_plans import engine
from .engine_plans import plan as engine_plan
from .plans import plan

pytestmark = pytest.mark.virtual_time
MONEY = guardrail("money", ["free money"], replacement="I cannot say.")


async def spoken(reply: str, *guardrails: Any, **changes: Any) -> list[str]:
    """What the voice was given of a model's *reply*."""
    tts = FakeTTS(ms_per_letter=5)
    made = plan(FakeLLM(replies=(reply,)), guardrails=guardrails, **changes)
    async with lab(made, tts=tts) as call:
        await call.says("what do you have")
    return tts.sessions[-1].sentences


async def hang(text: str) -> bool:
    await asyncio.get_running_loop().create_future()
    return False


def fail(text: str) -> bool:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("We give free\nmoney. Come in.", ["I cannot say.", "Come in."]),
        ("All of it is free. Money comes later. Bye.", ["All of it is free.", "I cannot say."]),
        (
            "You will never find anything so free\n\nMoney is ours. Bye now.",
            ["You will never find anything so free", "I cannot say.", "Bye now."],
        ),
        ("It is free. And so is water. Money is not.", None),
    ],
)
async def test_a_term_is_stopped_also_where_a_sentence_ends_in_it(
    reply: str, wanted: list[str] | None
) -> None:
    said = await spoken(reply, MONEY)
    if wanted is None:
        wanted = ["It is free.", "And so is water.", "Money is not."]
    assert said[: len(wanted)] == wanted


async def test_a_term_in_a_clause_that_was_spoken_early_is_stopped_in_the_next() -> None:
    reply = "I have looked it up in the book and the lunch is for free, money is not. Bye."
    said = await spoken(reply, MONEY, aggressive_first_flush=True)
    assert len(said) > 1 and said[1] == "I cannot say."


@pytest.mark.parametrize("check", [fail, hang])
async def test_a_check_that_fails_or_hangs_refuses(check: Any) -> None:
    assert await spoken("We have one. Or two.", Guardrail("g", check=check)) == [REPLACEMENT]


@pytest.mark.parametrize("check", [fail, hang])
async def test_one_that_fails_open_lets_pass(check: Any) -> None:
    open_guard = Guardrail("g", check=check, fail_open=True)
    assert await spoken("We have one. Or two.", open_guard) == ["We have one.", "Or two."]


async def test_a_check_that_hangs_is_waited_for_once_a_reply() -> None:
    tts = FakeTTS()
    made = plan(FakeLLM(replies=("One. Two. Three.",)), guardrails=(Guardrail("g", check=hang),))
    async with lab(made, tts=tts) as call:
        await call.caller.says("count")
        await call.caller.waits(3_500)
    assert tts.sessions[-1].sentences == [REPLACEMENT]


async def test_what_is_no_verdict_refuses() -> None:
    class Odd:
        name = "odd"

        async def check(self, text: str, speaker: str, call: object) -> Any:
            return True

    assert await spoken("We have one.", Odd()) == [REPLACEMENT]


async def test_a_check_sees_a_sentence_and_it_together_with_what_was_said_before() -> None:
    seen: list[str] = []

    async def see(text: str) -> bool:
        seen.append(text)
        return False

    await spoken("We have one. Or two.", Guardrail("g", check=see))
    assert seen == ["We have one.", "Or two.", "We have one. Or two."]


async def test_a_plugin_sees_single_sentences_unless_it_looks_back() -> None:
    fake = FakeGuardrail()
    await spoken("We have one. Or two.", fake)
    assert fake.checked == ["We have one.", "Or two."]

    class Looking:
        name, look_back, replacement = "looking", 7, "Hm."

        async def check(self, text: str, speaker: str, call: object) -> GuardrailVerdict:
            return GuardrailVerdict(text != "ve one. Or two.", "Hm.", "together")

    assert await spoken("We have one. Or two.", Looking()) == ["We have one.", "Hm."]


async def test_history_and_record_have_what_was_spoken() -> None:
    llm = FakeLLM(replies=("We give free money. Come in.", "Yes."))
    async with lab(plan(llm, guardrails=(MONEY,))) as call:
        await call.says("what do you have")
        await call.says("thank you")
    assert next(row.text for row in call.of(Row) if row.role == "agent").startswith("I cannot say.")
    shown = " ".join(message.text for message in llm.requests[1].messages)
    assert "money" not in shown and "I cannot say. Come in." in shown


async def test_an_engine_is_stopped_in_the_middle_of_a_sentence() -> None:
    text = "We have so much here that we give free money to each of our guests today."
    # It stalls, so that the end of the sentence never comes.
    fake = engine(text, stalls_at_ms=900)
    async with lab(engine_plan(fake, guardrails=(MONEY,))) as call:
        said = await call.says("what is it")
    assert "money" not in said and said.endswith("I cannot say.")
    assert [note.text for note in call.of(Note) if note.what == "guardrail"] == ["money"]
    assert fake.sessions[0].interrupted
    assert "money" not in " ".join(row.text for row in call.of(Row) if row.role == "agent")


async def test_an_engine_is_stopped_where_a_sentence_ends_in_a_term() -> None:
    fake = engine("All of this is for free. Money we do not take. Come by.")
    async with lab(engine_plan(fake, guardrails=(MONEY,))) as call:
        said = await call.says("what is it")
    assert "we do not take" not in said and said.endswith("I cannot say.")
