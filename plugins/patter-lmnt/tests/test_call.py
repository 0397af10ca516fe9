"""Whole calls: a caller is answered by an LMNT of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patter import Agent
from patter.observe.events import Row
from patter.testing import FakeLLM, FakeSTT, FakeVAD, lab
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt.double import LMNTDouble
from patter_lmnt.double.synthesis import Synthesis
from patter_testing.doubles.vendor_sound import read_back

from .talking import LONG, kinds


def agent(double: LMNTDouble, voice: Any, reply: str) -> Agent:
    return Agent(
        system_prompt="Be brief.",
        stt=FakeSTT(),
        tts=double.pointed(voice),
        llm=FakeLLM(replies=(reply,)),
        vad=FakeVAD(),
        first_message="",
    )


@pytest.mark.parametrize("voice", [LMNTTTS(api_key="k"), LMNTRestTTS(api_key="k")])
async def test_a_caller_is_answered(voice: Any) -> None:
    async with (
        LMNTDouble().running() as double,
        lab(agent(double, voice, "Gladly. How many?"), keep=("tts",)) as call,
    ):
        await call.caller.says("a table please")
        await call.listens()
        rows = [(row.role, row.text) for row in call.of(Row)]
        sound = read_back(call.leg.heard(), call.leg.audio)
    assert rows == [("caller", "a table please"), ("agent", "Gladly. How many?")]
    assert sound == "Gladly.How many?"
    assert double.spoken == ["Gladly.", "How many?"]


async def test_what_was_heard_of_a_cut_reply_is_what_was_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its length more of the reply, or less, would count as heard."""

    def timed(self: Synthesis, text: str) -> Iterator[tuple[str, float, float]]:
        yield "one two", 0, 100
        yield text[7:], 100, len(text) * self.ms_per_letter

    monkeypatch.setattr(Synthesis, "tokens", timed)
    async with (
        LMNTDouble(pace=1.2).running() as double,
        lab(agent(double, LMNTTTS(api_key="k"), " ".join([LONG] * 4)), keep=("tts",)) as call,
    ):
        await call.caller.says("count please")
        await call.interrupts("stop it now", after_ms=1_200)
        texts = [row.text for row in call.of(Row) if row.role == "agent"]
    assert texts[0] == "one two"
    assert "reset" in kinds(double) and double.sockets == 1
