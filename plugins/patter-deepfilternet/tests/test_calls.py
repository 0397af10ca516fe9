"""Calls that are heard through it, and one whose network does not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from patter import Agent
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.audio.mix import level_db
from patter.errors import ErrorCode
from patter.observe.events import ErrorEvent
from patter_deepfilternet import DeepFilterNetFilter, audio_filter
from patter_deepfilternet.network import Stream
from patter_testing import FakeLLM, FakeSTT, FakeTTS, lab

HISS = np.random.default_rng(1).normal(0, 1_000, 160 * 60).astype("<i2").tobytes()


async def heard(middle: Callable[[], None]) -> tuple[bytes, Any]:
    """What the recogniser got of 1.2 s of hiss, and the call; *middle* happens half-way."""
    stt = FakeSTT(accepts=(PCM16_8K,))
    agent = Agent(
        system_prompt="Be brief.",
        llm=FakeLLM(),
        stt=stt,
        tts=FakeTTS(),
        audio_filter=DeepFilterNetFilter(),
    )
    async with lab(agent, stt=stt) as call:
        for at in range(0, len(HISS), 320):
            if at == len(HISS) // 2:
                middle()
            call.leg.speak(convert(HISS[at : at + 320], PCM16_8K, MULAW_8K))
            await call.leg.clock.sleep(20)
    return bytes(stt.sessions[0].sent), call


@pytest.mark.virtual_time
async def test_the_recogniser_hears_a_call_without_its_noise() -> None:
    sound, call = await heard(lambda: None)
    assert level_db(sound[8_000:16_000]) < level_db(HISS) - 40
    assert call.of(ErrorEvent) == []


@pytest.mark.virtual_time
async def test_a_call_whose_network_hangs_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    real, working, release = Stream.clean, threading.Event(), threading.Event()
    working.set()

    def hanging(stream: Stream, audio: bytes) -> bytes:
        if not working.is_set():
            release.wait(20)
        return real(stream, audio)

    def hang() -> None:
        monkeypatch.setattr(audio_filter, "LATE_MS", 100)
        working.clear()

    monkeypatch.setattr(Stream, "clean", hanging)
    try:
        sound, call = await heard(hang)
    finally:
        release.set()
    (failure,) = call.of(ErrorEvent)
    assert (failure.where, failure.code) == ("audio_filter", ErrorCode.TIMEOUT)
    assert level_db(sound[-8_000:-2_000]) == pytest.approx(level_db(HISS), abs=2)
