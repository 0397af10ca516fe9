"""Words that recognisers invent are dropped where nobody spoke; a caller's answer never is."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter_testing import FakeLLM, LabCall, lab

from . import plans

pytestmark = pytest.mark.virtual_time
QUESTION = "Would you like to cancel or to subscribe?"
DONE = "You are subscribed."


def plan(greeting: str = QUESTION, **changes: Any) -> CallPlan:
    made = plans.plan(FakeLLM(replies=(DONE,)), phrases=Phrases(greeting=greeting))
    return attrs.evolve(made, rules=TurnRules(idle_ms=()), **changes)


def heard(call: LabCall) -> list[str]:
    return [row.text for row in call.session.history.rows if row.role == "caller"]


async def writes_without_a_voice(call: LabCall, text: str) -> None:
    """The recogniser writes *text* though nobody has said anything."""
    await call.caller.waits(300)
    call.heard(text)
    await call.caller.waits(3_000)


async def test_a_question_whether_to_subscribe_can_be_answered() -> None:
    async with lab(plan()) as call:
        assert await call.listens() == QUESTION
        assert await call.says("Subscribe.") == DONE
    assert heard(call) == ["Subscribe."]


async def test_an_answer_counts_though_no_detector_heard_the_voice() -> None:
    async with lab(plan(vad=None), keep=("vad",)) as call:
        await call.listens()
        await writes_without_a_voice(call, "Subscribe.")
    assert heard(call) == ["Subscribe."]


async def test_words_with_a_voice_count_though_nothing_was_asked() -> None:
    async with lab(plan("This is Rosa's.")) as call:
        await call.listens()
        assert await call.says("music") == DONE
    assert heard(call) == ["music"]


async def test_words_count_that_come_a_second_after_the_voice() -> None:
    async with lab(plan("This is Rosa's.")) as call:
        await call.listens()
        await call.caller.sounds(b"\x30" * 8 * 400)
        await call.caller.waits(1_500)
        await writes_without_a_voice(call, "The end.")
    assert heard(call) == ["The end."]


@pytest.mark.parametrize("text", ["Subscribe.", "Thanks for watching!", "The end.", "[Music]"])
async def test_words_from_silence_are_dropped(text: str) -> None:
    async with lab(plan("This is Rosa's.")) as call:
        await call.listens()
        await writes_without_a_voice(call, text)
    assert heard(call) == []


async def test_a_voice_of_long_ago_does_not_vouch_for_words() -> None:
    async with lab(plan("This is Rosa's.")) as call:
        await call.listens()
        await call.says("are you open")
        await asyncio.sleep(5)
        await writes_without_a_voice(call, "Thanks for watching!")
    assert heard(call) == ["are you open"]


async def test_a_sound_label_is_no_answer_to_a_question() -> None:
    async with lab(plan()) as call:
        await call.listens()
        await call.caller.sounds(b"\x30" * 8 * 400)
        await writes_without_a_voice(call, "[Music]")
    assert heard(call) == []


async def test_the_filter_can_be_switched_off() -> None:
    async with lab(plan("This is Rosa's.", filter_hallucinations=False)) as call:
        await call.listens()
        await writes_without_a_voice(call, "Thanks for watching!")
    assert heard(call) == ["Thanks for watching!"]
