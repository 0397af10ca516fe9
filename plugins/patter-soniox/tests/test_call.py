"""Whole calls: a caller is heard and answered, by a Soniox of our own."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeTTS, FakeVAD, lab
from patter_soniox import SonioxSTT
from patter_soniox.double import SonioxDouble

from .talking import VOICE


@pytest.mark.parametrize(
    ("options", "vad"),
    [
        ({}, FakeVAD()),
        ({"enable_endpoint_detection": False}, FakeVAD()),
        ({}, "none"),
        ({"enable_endpoint_detection": False}, "none"),
    ],
    ids=["judged", "asked for", "without a detector", "with neither"],
)
async def test_a_caller_is_answered(options: dict[str, Any], vad: Any) -> None:
    async with SonioxDouble(lines=["a table for two"]).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            stt=double.pointed(SonioxSTT(api_key="k", **options)),
            tts=FakeTTS(),
            llm=FakeLLM(replies=("Gladly.",)),
            vad=vad,
            first_message="",
        )
        async with lab(agent, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [(row.role, row.text) for row in call.of(Row)]
    assert rows == [("caller", "a table for two"), ("agent", "Gladly.")]


async def test_a_session_that_soniox_ends_in_mid_call_is_followed_by_another() -> None:
    double = SonioxDouble(lines=["a table", "for two"])
    async with double.running():
        agent = Agent(
            system_prompt="Be brief.",
            stt=double.pointed(SonioxSTT(api_key="k")),
            tts=FakeTTS(),
            llm=FakeLLM(replies=("Gladly.", "Of course.")),
            vad=FakeVAD(),
            first_message="",
        )
        async with lab(agent, keep=("stt", "tts", "vad")) as call:
            await call.caller.sounds(VOICE)
            await call.listens()
            await double.end_streams()
            await call.caller.waits(1_000)
            await call.caller.sounds(VOICE)
            await call.listens()
            rows = [row.text for row in call.of(Row) if row.role == "caller"]
    assert rows == ["a table", "for two"]
    assert double.sockets == 2


async def test_what_is_typed_is_heard_by_its_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIOX_API_KEY", "k")
    agent = Agent(
        system_prompt="Be brief.",
        stt="soniox/stt-rt-v5",
        tts=FakeTTS(),
        llm=FakeLLM(replies=("Gladly.",)),
        vad=FakeVAD(),
        first_message="",
    )
    async with lab(agent, simulate=True) as call:
        assert await call.says("a table for two") == "Gladly."
        assert [row.text for row in call.of(Row)] == ["a table for two", "Gladly."]
