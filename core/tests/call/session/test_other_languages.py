"""A caller of an agent that speaks German hears no English, whatever goes wrong."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, Guardrail
from patter.call.phrasebook import ENGLISH, phrases_in
from patter.errors import ProviderError
from patter_testing import FakeEngine, FakeLLM, LabCall, Reply, lab

pytestmark = pytest.mark.virtual_time
GERMAN = phrases_in("de")
LOST = ProviderError("the model is lost", fix="go on")
RUDE = Guardrail("rude", blocked_terms=("idiot",))


def agent(llm: FakeLLM | None = None, **changes: Any) -> Agent:
    parts = {"stt": "fake", "tts": "fake", "llm": llm or FakeLLM()}
    return Agent(**{"system_prompt": "", "language": "de", "idle_ms": (), **parts, **changes})


def expect(call: LabCall, *texts: str) -> None:
    assert call.utterances == list(texts)
    english = attrs.asdict(ENGLISH)
    assert {*call.utterances} & {*english["reprompts"], *english["goodbyes"].values()} == set()


async def test_who_says_nothing_is_asked_and_let_go() -> None:
    async with lab(agent(idle_ms=(3_000, 3_000, 3_000))) as call:
        await call.caller.waits(40_000)
    expect(call, *GERMAN.reprompts, GERMAN.goodbyes["idle"])


async def test_a_model_that_fails_is_apologised_for() -> None:
    llm = FakeLLM(replies=(Reply(fails=LOST),))
    async with lab(agent(llm)) as call:
        await call.says("guten Tag")
        await call.caller.says("noch einmal")
        await call.caller.hears_the_agent_hang_up()
    expect(call, GERMAN.apology, GERMAN.goodbyes["failure"])


async def test_who_waits_is_told_so() -> None:
    llm = FakeLLM(replies=(Reply(text="Ja.", first_ms=3_500),))
    async with lab(agent(llm, long_turn_message_after_s=1.0)) as call:
        assert GERMAN.filler in await call.says("guten Tag")


async def test_a_guardrail_without_words_of_its_own_has_german_ones() -> None:
    llm = FakeLLM(replies=("You idiot.",))
    async with lab(agent(llm, guardrails=[RUDE])) as call:
        assert await call.says("guten Tag") == GERMAN.refusal
    engine = FakeEngine(replies=("You idiot.",), listens=True)
    hosted = agent(guardrails=[RUDE], engine=engine, stt=None, tts=None, llm=None)
    async with lab(hosted) as call:
        await call.says("guten Tag")
    assert call.utterances[-1] == GERMAN.refusal
