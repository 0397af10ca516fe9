"""A whole call: a caller is answered by a Rime of our own, and interrupts it."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent
from patter.observe.events import Row
from patter.testing import FakeLLM, lab
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_sound import read_back


@pytest.mark.parametrize("settings", [RimeTTS(api_key="k"), RimeRestTTS(api_key="k")])
async def test_a_caller_is_answered(settings: Any) -> None:
    async with RimeDouble().running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            tts=double.pointed(settings),
            llm=FakeLLM(replies=("Gladly.",)),
            first_message="",
        )
        async with lab(agent, keep=("tts",)) as call:
            await call.caller.says("A table for two")
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
            assert read_back(call.leg.heard(), call.leg.audio) == "Gladly."
    assert rows == [("caller", "A table for two"), ("agent", "Gladly.")]
    assert double.spoken == ["Gladly."] and double.ignored == []


async def test_what_was_heard_of_a_reply_is_told_to_the_word() -> None:
    async with RimeDouble(pace=4).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            tts=double.pointed(RimeTTS(api_key="k", model="coda")),
            llm=FakeLLM(replies=("Gladly.",)),
            first_message="We are open from nine to five, every day of the week.",
        )
        async with lab(agent, keep=("tts",)) as call:
            await call.interrupts("On sunday?", after_ms=800)
            greeting, answer = call.utterances
            sound = read_back(call.leg.heard(), call.leg.audio)
    # 60 ms a letter: "We are open" has ended after 660 ms, and what was played is cut a bit later.
    assert "We are open from nine to five, every day".startswith(greeting)
    assert greeting.startswith("We are open") and len(greeting) < 40
    assert answer == "Gladly." and sound.endswith("Gladly.")
    assert double.spoken[-1] == "Gladly."
