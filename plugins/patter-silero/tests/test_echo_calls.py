"""Whole calls in virtual time in which the caller's telephone sends the agent's own voice back.

The agent speaks with a recorded voice, which the real detector takes for one.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, AudioFormat
from patter.audio.mix import level_db, mix
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_silero import SileroVAD
from patter_testing import FakeLLM, FakeSTT, lab
from patter_testing.fakes.carrier import FakeLeg

pytestmark = pytest.mark.virtual_time
FRAME_MS = 20
DELAY_MS = 200
CALLER_FROM_MS = 4_000
LEVEL_DB = -20.0
"""Of the agent's voice, and about that of a caller."""


def voice(name: str, db: float = LEVEL_DB) -> bytes:
    with wave.open(str(Path(__file__).parent / "voices" / f"{name}.wav")) as file:
        pcm = file.readframes(file.getnframes())
    return mix(bytes(len(pcm)), pcm, 10 ** ((db - level_db(pcm)) / 20))


AGENT = (voice("hours") + voice("table")) * 2
SENTENCE = voice("table")[PCM16_8K.bytes_in(170) :]
STOP = voice("hours")[PCM16_8K.bytes_in(600) : PCM16_8K.bytes_in(1_050)]


@attrs.frozen
class RecordedTTS:
    """Says the same ten seconds whatever the text."""

    produces: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[RecordedTTS]:
        del call, audio
        yield self

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        async for sentence in text:
            yield Speech(convert(AGENT, PCM16_8K, MULAW_8K), text=sentence)


def plan(**changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=RecordedTTS(),
        vad=SileroVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(greeting="Our hours and tables."),
        rules=TurnRules(idle_ms=(), barge_in_mode="cancel"),
    )
    return attrs.evolve(made, **changes)


def played(leg: FakeLeg, from_ms: float) -> bytes:
    """A frame of what *leg* played from *from_ms* on, as PCM."""
    size = leg.audio.bytes_in(FRAME_MS)
    line = bytearray(leg.audio.silence * size)
    for each in leg.played:
        place = leg.audio.bytes_in(from_ms) - leg.audio.bytes_in(each.at_ms)
        part = each.audio[max(0, place) : max(0, place + size)]
        line[max(0, -place) : max(0, -place) + len(part)] = part
    return convert(bytes(line[:size]), MULAW_8K, PCM16_8K)


async def call_with_echo(
    agent: CallPlan, echo_db: float, caller: bytes = b"", ms: float = 9_000
) -> list[float]:
    """When the agent was cut, in milliseconds of the call; *caller* speaks at 4 s."""
    async with lab(agent, keep=("tts", "vad")) as call:
        leg = call.leg
        while leg.now_ms < ms and not leg.closed:
            at = PCM16_8K.bytes_in(max(0.0, leg.now_ms - CALLER_FROM_MS))
            near = caller[at : at + 320] if leg.now_ms >= CALLER_FROM_MS else b""
            echo = played(leg, leg.now_ms - DELAY_MS) if leg.now_ms > DELAY_MS else b""
            frame = mix(near.ljust(320, b"\0"), echo, 10 ** (echo_db / 20))
            leg.speak(convert(frame, PCM16_8K, MULAW_8K))
            await leg.clock.sleep(FRAME_MS)
        assert len(leg.heard()) > 8_000, "the agent said nothing"
        return list(leg.clears)


@pytest.mark.parametrize("echo_db", [-20, -30, -40])
async def test_the_agents_own_voice_never_interrupts_it(echo_db: float) -> None:
    assert await call_with_echo(plan(), echo_db) == []


async def test_without_the_gate_it_does() -> None:
    assert await call_with_echo(plan(echo_gate=False), -20)


@pytest.mark.parametrize("echo_db", [-120, -20, -30, -40])
@pytest.mark.parametrize("caller", [SENTENCE, STOP], ids=["sentence", "stop"])
async def test_a_caller_interrupts_over_the_echo_as_soon_as_without(
    caller: bytes, echo_db: float
) -> None:
    cuts = await call_with_echo(plan(), echo_db, caller)
    assert cuts
    assert cuts[0] - CALLER_FROM_MS == pytest.approx(420, abs=100)


async def test_an_echo_too_loud_for_the_gate_is_cancelled() -> None:
    assert await call_with_echo(plan(), -10)
    assert await call_with_echo(plan(echo_cancellation=True), -10) == []


async def test_a_caller_interrupts_over_a_cancelled_echo_as_soon() -> None:
    cuts = await call_with_echo(plan(echo_cancellation=True), -10, SENTENCE)
    assert cuts
    assert cuts[0] - CALLER_FROM_MS == pytest.approx(420, abs=100)
