"""Whole calls: a caller is heard and answered, in every mode of turns."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeTTS, FakeVAD, lab
from patter_speechmatics import SpeechmaticsSTT
from patter_speechmatics.double import SpeechmaticsDouble

from .talking import VOICE


@pytest.mark.parametrize("vad", [FakeVAD(), "none"], ids=["vad", "no-vad"])
@pytest.mark.parametrize("mode", ["external", "fixed", "adaptive"])
async def test_a_caller_is_answered(mode: str, vad: Any) -> None:
    model = FakeLLM(replies=("Gladly.",))
    async with SpeechmaticsDouble(lines=["a table for two."]).running() as double:
        stt = double.pointed(SpeechmaticsSTT(api_key="k", turn_detection_mode=mode))
        agent = Agent(
            system_prompt="Be brief.",
            stt=stt,
            tts=FakeTTS(),
            llm=model,
            vad=vad,
            first_message="",
        )
        async with lab(agent, keep=("stt", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
    assert rows == [("caller", "a table for two."), ("agent", "Gladly.")]
    assert double.received[-1]["message"] == "EndOfStream"


async def test_a_session_that_ends_in_mid_call_is_replaced() -> None:
    model = FakeLLM(replies=("Gladly.",))
    async with SpeechmaticsDouble(lines=["a table for two."]).running() as double:
        stt = double.pointed(SpeechmaticsSTT(api_key="k", turn_detection_mode="external"))
        agent = Agent(
            system_prompt="Be brief.",
            stt=stt,
            tts=FakeTTS(),
            llm=model,
            vad=FakeVAD(),
            first_message="",
        )
        async with lab(agent, keep=("stt", "vad")) as call:
            await call.caller.waits(200)
            (session,) = double.sessions
            await session.stream.end(1008)
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [row.text for row in call.of(Row)]
    assert rows == ["a table for two.", "Gladly."]
    starts = [body for body in double.received if body["message"] == "StartRecognition"]
    assert len(starts) == 2
