"""Over a line that sends no frames in silence, SileroVAD ends a turn as soon as over any other."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter_silero import SileroVAD
from patter_testing import FakeLLM, FakeSTT, FakeTTS, LabCall, lab

WORDS = "what are your opening hours"


def voice() -> bytes:
    with wave.open(str(Path(__file__).parent / "voices" / "hours.wav")) as file:
        return convert(file.readframes(file.getnframes()), PCM16_8K, MULAW_8K)


async def answer_begins(call: LabCall) -> float:
    """How long after the last word the answer begins."""
    ended_ms = call.leg.now_ms
    call.heard(WORDS)
    while not call.leg.played and call.leg.now_ms < ended_ms + 5_000:
        await asyncio.sleep(0.01)
    assert call.leg.played, "no answer within 5 s"
    return call.leg.played[0].at_ms - ended_ms


@pytest.mark.virtual_time
async def test_frames_that_stop_with_the_last_word_end_the_turn_as_silence_does() -> None:
    plan = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=SileroVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(),
        rules=TurnRules(idle_ms=()),
    )
    waits_ms = []
    for quiet_ms in (4_000, 0):
        async with lab(plan, keep=("vad",)) as call:
            await call.caller.waits(600)
            await call.caller.sounds(voice())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(call.caller.waits(quiet_ms))
                waits_ms.append(await answer_begins(call))
    assert waits_ms[1] == pytest.approx(waits_ms[0], abs=150)
    assert waits_ms[1] < 1_000
