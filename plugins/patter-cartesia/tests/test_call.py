"""Whole calls: a caller is heard, answered and spoken to, by a Cartesia of our own."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeVAD, lab
from patter_cartesia import CartesiaSTT, CartesiaTTS, CartesiaTurnsSTT
from patter_cartesia.double import CartesiaDouble
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.talking import eventually

from .talking import VOICE

LONG = "Gladly, and may I ask in which name I am to write it down for you?"


def agent(double: CartesiaDouble, ears: Any, reply: str, vad: Any) -> Agent:
    return Agent(
        system_prompt="Be brief.",
        stt=double.pointed(ears),
        tts=double.pointed(CartesiaTTS(api_key="k")),
        llm=FakeLLM(replies=(reply, "Yes?")),
        vad=vad,
        first_message="",
    )


@pytest.mark.parametrize(
    ("ears", "vad"),
    [(CartesiaSTT(api_key="k"), FakeVAD()), (CartesiaTurnsSTT(api_key="k"), "none")],
    ids=["ink", "turns"],
)
async def test_a_caller_is_answered(ears: Any, vad: Any) -> None:
    async with CartesiaDouble(lines=["a table for two"]).running() as double:
        plan = agent(double, ears, "Gladly.", vad)
        async with lab(plan, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
            assert read_back(call.leg.heard(), call.leg.audio).strip() == "Gladly."
    assert rows == [("caller", "a table for two"), ("agent", "Gladly.")]
    assert double.spoken == ["Gladly."]


async def test_who_interrupts_has_heard_the_words_that_were_spoken() -> None:
    async with CartesiaDouble(lines=["a table", "wait"], pace=1.5).running() as double:
        plan = agent(double, CartesiaSTT(api_key="k"), LONG, FakeVAD())
        async with lab(plan, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.caller.waits(1_500)
            await call.caller.sounds(VOICE)
            await eventually(lambda: len(call.utterances) == 2)
            cut, answer = call.utterances
    assert LONG.startswith(cut) and 0 < len(cut.split()) < 8
    assert answer == "Yes?"
    assert len(double.cancelled) == 1 and double.spoken == ["Yes?"]


async def test_an_early_end_of_a_turn_is_answered_in_advance() -> None:
    model = FakeLLM(replies=("Gladly.",))
    async with CartesiaDouble(lines=["a table for two"], sure_ms=600).running() as double:
        given = Agent(
            system_prompt="Be brief.",
            stt=double.pointed(CartesiaTurnsSTT(api_key="k")),
            tts=double.pointed(CartesiaTTS(api_key="k")),
            llm=model,
            vad="none",
            first_message="",
        )
        plan = given.plan(PluginRegistry())
        # Without a detector, and with rules that know of voices: those that Ink tells of.
        plan = attrs.evolve(plan, rules=attrs.evolve(plan.rules, speculate=True, vad=True))
        async with lab(plan, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.caller.waits(450)
            assert (len(model.requests), call.of(Row)) == (1, []), "thought of, not said"
            await call.listens()
            assert [row.text for row in call.of(Row)] == ["a table for two", "Gladly."]
    assert len(model.requests) == 1
