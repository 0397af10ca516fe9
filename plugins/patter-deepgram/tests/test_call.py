"""Whole calls: a caller is heard, answered and spoken to, by a Deepgram of our own."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeVAD, lab
from patter_deepgram import DeepgramFluxSTT, DeepgramFluxTTS, DeepgramSTT, DeepgramTTS
from patter_deepgram.double import DeepgramDouble
from patter_testing.doubles.vendor_sound import read_back

from .talking import VOICE


@pytest.mark.parametrize(
    ("ears", "voice", "vad"),
    [
        (DeepgramSTT(api_key="k"), DeepgramTTS(api_key="k"), FakeVAD()),
        (
            DeepgramFluxSTT(api_key="k", eager_eot_threshold=0.5),
            DeepgramFluxTTS(api_key="k"),
            "none",
        ),
    ],
    ids=["nova-aura", "flux-flux"],
)
async def test_a_caller_is_answered(ears: Any, voice: Any, vad: Any) -> None:
    model = FakeLLM(replies=("Gladly.",))
    async with DeepgramDouble(lines=["a table for two"]).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            stt=double.pointed(ears),
            tts=double.pointed(voice),
            llm=model,
            vad=vad,
            first_message="",
        )
        async with lab(agent, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
            assert read_back(call.leg.heard(), call.leg.audio) == "Gladly."
    assert rows == [("caller", "a table for two"), ("agent", "Gladly.")]
    assert double.spoken == ["Gladly."]


async def test_an_early_end_of_flux_is_answered_in_advance() -> None:
    model = FakeLLM(replies=("Gladly.",))
    async with DeepgramDouble(lines=["a table for two"], sure_ms=600).running() as double:
        ears = DeepgramFluxSTT(api_key="k", eager_eot_threshold=0.5)
        agent = Agent(
            system_prompt="Be brief.",
            stt=double.pointed(ears),
            tts=double.pointed(DeepgramTTS(api_key="k")),
            llm=model,
            vad="none",
            first_message="",
        )
        plan = agent.plan(PluginRegistry())
        # Without a detector, and with rules that know of voices: those that Flux tells of.
        plan = attrs.evolve(plan, rules=attrs.evolve(plan.rules, speculate=True, vad=True))
        async with lab(plan, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.caller.waits(450)
            assert (len(model.requests), call.of(Row)) == (1, []), "thought of, not said"
            await call.listens()
            assert [row.text for row in call.of(Row)] == ["a table for two", "Gladly."]
    assert len(model.requests) == 1
