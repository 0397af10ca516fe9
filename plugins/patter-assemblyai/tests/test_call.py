"""Whole calls: a caller is heard by an AssemblyAI of our own, and answered."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeTTS, FakeVAD, lab
from patter_assemblyai import AssemblyAISTT
from patter_assemblyai.double import AssemblyAIDouble

from .talking import VOICE, ears


@pytest.mark.parametrize(
    ("options", "vad", "words"),
    [
        ({}, FakeVAD(), "a table for two"),
        ({}, "none", "a table for two"),
        ({"turn_detection": False}, FakeVAD(), "a table for two"),
        ({"model": "u3-rt-pro"}, "none", "A table for two."),
        ({"format_turns": True, "use_query_token": True}, FakeVAD(), "A table for two."),
    ],
    ids=["judging", "without a detector", "asked", "universal-3", "formatted"],
)
async def test_a_caller_is_answered(options: dict[str, Any], vad: Any, words: str) -> None:
    async with AssemblyAIDouble(lines=["a table for two"]).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            stt=ears(double, **options),
            tts=FakeTTS(),
            llm=FakeLLM(replies=("Gladly.",)),
            vad=vad,
            first_message="",
        )
        async with lab(agent, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
    assert rows == [("caller", words), ("agent", "Gladly.")]
    assert double.commands[-1] == "Terminate"


async def test_a_session_that_expires_in_mid_call_is_opened_again() -> None:
    async with AssemblyAIDouble(lines=["a table for two"], age_s=0.3).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            stt=ears(double),
            tts=FakeTTS(),
            llm=FakeLLM(replies=("Gladly.",)),
            vad=FakeVAD(),
            first_message="",
        )
        async with lab(agent, keep=("stt", "tts", "vad")) as call:
            await call.caller.waits(600)
            double.age_s = 10_800
            await call.caller.waits(600)
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
    assert rows == [("caller", "a table for two"), ("agent", "Gladly.")]
    assert double.sockets >= 2


def test_settings_are_shared_by_calls() -> None:
    assert AssemblyAISTT(api_key="k") == AssemblyAISTT(api_key="k")
