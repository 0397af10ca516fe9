"""Calls whose audio is cleaned before anybody hears it, and calls in which that fails."""

from __future__ import annotations

import logging
from typing import Any

import attrs
import pytest

from patter.audio.agc import AgcConfig
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from patter.audio.mix import level_db, mix
from patter.call.fits import Fits
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.observe.events import ErrorEvent
from patter_testing import FakeAudioFilter, FakeEngine, FakeSTT, FakeVAD, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
ALL: dict[str, Any] = {"high_pass_hz": 80.0, "echo_cancellation": True, "agc": AgcConfig()}
VOICE = convert(
    b"".join(each.to_bytes(2, "little", signed=True) for each in [900, -900] * 4_000),
    PCM16_8K,
    MULAW_8K,
)
"""One second at -31 dB of full scale."""


async def heard(agent: CallPlan, frame: int = 160, **parts: Any) -> tuple[bytes, Any]:
    """What the recogniser got of one second of voice, in PCM at 8 kHz, and the call."""
    stt = FakeSTT(accepts=(PCM16_8K,))
    async with lab(attrs.evolve(agent, stt=stt), stt=stt, **parts) as call:
        for at in range(0, len(VOICE), frame):
            call.leg.speak(VOICE[at : at + frame])
            await call.leg.clock.sleep(frame / 8)
        await call.caller.waits(200)
    return bytes(stt.sessions[0].sent), call


async def test_with_nothing_asked_for_nothing_is_changed() -> None:
    sound, _ = await heard(plan())
    assert sound.startswith(convert(VOICE, MULAW_8K, PCM16_8K))
    assert Fits.of(plan(), MULAW_8K).filtered == MULAW_8K


async def test_a_soft_caller_reaches_the_recogniser_louder() -> None:
    sound, call = await heard(plan(agc=AgcConfig()))
    assert level_db(sound[8_000:16_000]) == pytest.approx(-18, abs=1)
    assert call.of(ErrorEvent) == []


@pytest.mark.parametrize("frame", [80, 160, 200, 240, 800])
async def test_all_stages_together_lose_no_audio(frame: int) -> None:
    sound, call = await heard(plan(**ALL, audio_filter=FakeAudioFilter()), frame)
    assert len(sound) >= 2 * len(VOICE)
    assert level_db(sound[8_000:16_000]) == pytest.approx(-18, abs=1)
    assert call.of(ErrorEvent) == []


async def test_an_engine_hears_the_same() -> None:
    engine = FakeEngine(accepts=(PCM16_8K,))
    agent = plan(engine=engine, stt=None, tts=None, mind=None, agc=AgcConfig())
    async with lab(agent) as call:
        for at in range(0, len(VOICE), 160):
            call.leg.speak(VOICE[at : at + 160])
            await call.leg.clock.sleep(20)
        sound = bytes(engine.sessions[0].sent)
    assert level_db(sound[8_000:16_000]) == pytest.approx(-18, abs=1)


# --- order


@attrs.frozen
class Noting:
    """A filter that notes how loud what it is fed is, and takes the far end."""

    accepts: tuple[AudioFormat, ...] = (MULAW_8K, PCM16_16K)
    levels: list[float] = attrs.field(factory=list)
    formats: list[AudioFormat] = attrs.field(factory=list)

    def start(self, audio: AudioFormat) -> Noting:
        self.formats.append(audio)
        return self

    def process(self, audio: bytes) -> bytes:
        self.levels.append(level_db(audio))
        return audio


async def test_the_filter_comes_before_the_gain_and_in_linear_audio() -> None:
    noting = Noting()
    await heard(plan(agc=AgcConfig(), audio_filter=noting))
    assert noting.formats == [PCM16_16K]
    assert max(noting.levels) < -29


async def test_a_filter_alone_is_fed_what_fits_best() -> None:
    noting = Noting()
    await heard(plan(audio_filter=noting))
    assert noting.formats == [MULAW_8K]


async def echoes(**changes: Any) -> tuple[list[float], float]:
    """What the agent says comes back 20 dB softer: when that cut it, and how loud it was heard."""
    phrases, stt = Phrases(greeting="A" * 40), FakeSTT(accepts=(PCM16_8K,))
    rules = TurnRules(idle_ms=(), barge_in_mode="cancel")
    agent = plan(phrases=phrases, rules=rules, vad=FakeVAD(), stt=stt, **changes)
    async with lab(agent, keep=("vad",), stt=stt) as call:
        for at in range(0, 3_000, 20):
            line = call.leg.recording()[max(0, 8 * (at - 200)) :][:160].ljust(160, b"\xff")
            soft = mix(bytes(320), convert(line, MULAW_8K, PCM16_8K), 0.1)
            call.leg.speak(convert(soft, PCM16_8K, MULAW_8K))
            await call.leg.clock.sleep(20)
        return list(call.leg.clears), level_db(bytes(stt.sessions[0].sent)[16_000:32_000])


async def test_the_gain_makes_no_voice_of_an_echo() -> None:
    without, with_gain = await echoes(), await echoes(agc=AgcConfig(speech_floor_dbfs=-60))
    assert (without[0], with_gain[0]) == ([], [])
    assert with_gain[1] == pytest.approx(without[1], abs=0.5)


# --- what fails is left out


@attrs.frozen
class Broken:
    """A filter that fails when it is *started*, or with the tenth piece."""

    at_start: bool = False
    accepts: tuple[AudioFormat, ...] = (PCM16_8K,)
    pieces: list[int] = attrs.field(factory=list)

    def start(self, audio: AudioFormat) -> Broken:
        if self.at_start:
            raise RuntimeError("no model")
        return self

    def process(self, audio: bytes) -> bytes:
        self.pieces.append(len(audio))
        if len(self.pieces) >= 10:
            raise RuntimeError("broken")
        return audio


@pytest.mark.parametrize("at_start", [True, False])
async def test_a_filter_that_fails_is_left_out_with_one_warning(
    at_start: bool, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken(at_start)
    with caplog.at_level(logging.DEBUG, "patter.call"):
        sound, call = await heard(plan(audio_filter=broken))
    assert sound.startswith(convert(VOICE, MULAW_8K, PCM16_8K))
    assert len(broken.pieces) == (0 if at_start else 10)
    assert [each.where for each in call.of(ErrorEvent)] == ["audio_filter"]
    assert len([each for each in caplog.records if "audio_filter" in each.message]) == 1
    assert call.summary and call.summary.outcome == "completed"


async def test_the_other_stages_go_on(caplog: pytest.LogCaptureFixture) -> None:
    sound, _ = await heard(plan(agc=AgcConfig(), audio_filter=Broken()))
    assert level_db(sound[8_000:16_000]) == pytest.approx(-18, abs=1)


async def test_our_stages_are_left_out_beside_a_filter_without_linear_audio(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound, call = await heard(
        plan(agc=AgcConfig(), audio_filter=FakeAudioFilter(accepts=(MULAW_8K,)))
    )
    assert sound.startswith(convert(VOICE, MULAW_8K, PCM16_8K))
    assert [each.where for each in call.of(ErrorEvent)] == ["agc"]
