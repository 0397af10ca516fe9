"""KrispVivaFilter: its settings, frames, and what a call does when the SDK fails in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patter import Agent, ProviderSpec
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat, Encoding
from patter.errors import (
    ErrorCode,
    MissingCredential,
    PatterConfigError,
    ProviderError,
    SpecError,
)
from patter.observe.events import ErrorEvent
from patter_krisp import KrispVivaFilter
from patter_krisp.plugin import patter_audio_filter
from patter_testing import FakeLLM, FakeSTT, FakeTTS, lab

from .double import LICENCE, KrispAudio

RATES = (8_000, 16_000, 24_000, 32_000, 48_000)
LOUD = 1_980
VOICE = convert(np.repeat([LOUD, -LOUD], 4).astype("<i2").tobytes() * 20, PCM16_8K, MULAW_8K)
"""20 ms, which mu-law carries without a change."""


def samples(count: int) -> bytes:
    return np.arange(-count, count, 2).astype("<i2").tobytes()


@pytest.mark.parametrize("ms", [10, 15, 20, 30, 32])
@pytest.mark.parametrize("rate", RATES)
def test_a_session_is_given_whole_frames_at_the_rate_of_the_line(
    krisp: KrispAudio, rate: int, ms: int
) -> None:
    line = samples(rate // 10)
    session = KrispVivaFilter(frame_duration_ms=ms).start(AudioFormat(Encoding.PCM16, rate))
    out = [session.process(line[at : at + 82]) for at in range(0, len(line), 82)]
    frame = 2 * rate * ms // 1_000
    assert all(len(each) % frame == 0 for each in out)
    assert b"" in out
    whole = len(line) // frame * frame
    half = (np.frombuffer(line[:whole], "<i2") * 0.5).astype("<i2").tobytes()
    assert b"".join(out) == half


def test_at_level_0_nothing_changes(krisp: KrispAudio) -> None:
    line = samples(800)
    session = KrispVivaFilter(noise_suppression_level=0).start(PCM16_8K)
    assert session.process(line) == line


@pytest.mark.parametrize("version", [(1, 6, 0), (1, 8, 0), (1, 11, 0), (2, 0, 1)])
def test_the_level_has_the_type_that_the_sdks_version_takes(
    krisp: KrispAudio, version: tuple[int, int, int]
) -> None:
    krisp.version = version
    session = KrispVivaFilter(noise_suppression_level=75).start(PCM16_8K)
    assert len(session.process(samples(160))) == 320


def test_a_rate_that_is_set_is_the_one_that_audio_is_brought_to(krisp: KrispAudio) -> None:
    assert KrispVivaFilter(sample_rate=16_000).accepts == (PCM16_16K,)
    assert [each.rate_hz for each in KrispVivaFilter().accepts] == [*RATES]


def test_an_answer_of_another_length_is_refused(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = KrispVivaFilter().start(PCM16_8K)
    (real,) = krisp.sessions
    monkeypatch.setattr(real, "process", lambda frame, level: frame[:-1])
    with pytest.raises(ProviderError, match="160 bytes of audio with 158"):
        session.process(samples(80))


# --- settings


def test_what_is_not_given_is_read_from_the_environment(krisp: KrispAudio, model: Path) -> None:
    made = KrispVivaFilter()
    assert made.model_path == str(model)
    assert made.license_key == LICENCE
    assert LICENCE not in repr(made)


def test_the_other_name_of_the_key_is_read_too(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KRISP_VIVA_SDK_LICENSE_KEY")
    with pytest.raises(MissingCredential, match="export KRISP_VIVA_SDK_LICENSE_KEY"):
        KrispVivaFilter()
    monkeypatch.setenv("KRISP_VIVA_API_KEY", "the other")
    assert KrispVivaFilter().license_key == "the other"


def test_without_a_model_an_agent_is_told_which_variable_to_set(
    krisp: KrispAudio, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (model.with_name("gone.kef"), Path(__file__), model.parent):
        with pytest.raises(PatterConfigError, match="no Krisp model") as caught:
            KrispVivaFilter(model_path=wrong)
        assert "KRISP_VIVA_FILTER_MODEL_PATH" in caught.value.fix
    monkeypatch.delenv("KRISP_VIVA_FILTER_MODEL_PATH")
    with pytest.raises(PatterConfigError, match="no model_path") as caught:
        KrispVivaFilter()
    assert "export KRISP_VIVA_FILTER_MODEL_PATH" in caught.value.fix


def test_a_spec_makes_it_and_cannot_carry_the_key(krisp: KrispAudio) -> None:
    spec = "krisp?noise_suppression_level=80&frame_duration_ms=20&sample_rate=16000"
    assert patter_audio_filter(ProviderSpec.parse(spec)) == KrispVivaFilter(
        noise_suppression_level=80, frame_duration_ms=20, sample_rate=16_000
    )
    for wrong in ("frame_duration_ms=25", "sample_rate=44100", "noise_suppression_level=101"):
        with pytest.raises(SpecError, match=wrong.split("=")[0]):
            patter_audio_filter(ProviderSpec.parse(f"krisp?{wrong}"))
    with pytest.raises(SpecError, match="cannot carry 'license_key'") as caught:
        patter_audio_filter(ProviderSpec.parse("krisp?license_key=x"))
    assert caught.value.fix == "export KRISP_VIVA_SDK_LICENSE_KEY"


# --- in a call


async def heard(krisp: KrispAudio, middle: Callable[[], None] | None = None) -> tuple[bytes, Any]:
    """What the recogniser got of 600 ms of voice, and the call; *middle* happens half-way."""
    stt = FakeSTT(accepts=(PCM16_8K,))
    agent = Agent(
        system_prompt="Be brief.",
        first_message=None,
        llm=FakeLLM(),
        stt=stt,
        tts=FakeTTS(),
        audio_filter=KrispVivaFilter(),
    )
    async with lab(agent, stt=stt) as call:
        for piece in range(30):
            if piece == 15 and middle is not None:
                middle()
            call.leg.speak(VOICE)
            await call.leg.clock.sleep(20)
        await call.caller.waits(200)
    return bytes(stt.sessions[0].sent), call


def peaks(sound: bytes) -> tuple[int, int]:
    """The loudest sample of the first 200 ms, and of the last 200 ms of voice."""
    line = np.abs(np.frombuffer(sound, "<i2").astype(int))
    voiced = np.flatnonzero(line > 100)
    return int(line[voiced[:1_600]].max()), int(line[voiced[-1_600:]].max())


def failures(call: Any) -> list[ErrorEvent]:
    return [each for each in call.of(ErrorEvent) if each.where == "audio_filter"]


@pytest.mark.virtual_time
async def test_the_recogniser_hears_what_the_sdk_made_of_the_caller(krisp: KrispAudio) -> None:
    sound, call = await heard(krisp)
    assert peaks(sound) == (LOUD // 2, LOUD // 2)
    assert failures(call) == []


@pytest.mark.virtual_time
async def test_a_call_whose_sdk_fails_in_the_middle_goes_on_without(krisp: KrispAudio) -> None:
    def fails() -> None:
        krisp.fail = RuntimeError("internal error")

    sound, call = await heard(krisp, fails)
    assert peaks(sound) == (LOUD // 2, LOUD)
    (failure,) = failures(call)
    assert failure.code == ErrorCode.PROVIDER_ERROR
    assert "failed in a call: internal error" in failure.message
    assert call.summary is not None


@pytest.mark.virtual_time
async def test_a_licence_that_ends_in_a_call_leaves_the_call_without(krisp: KrispAudio) -> None:
    def ends() -> None:
        assert krisp.on_licence is not None
        krisp.on_licence("Expired", "the licence has expired")

    sound, call = await heard(krisp, ends)
    assert peaks(sound) == (LOUD // 2, LOUD)
    (failure,) = failures(call)
    assert failure.code == ErrorCode.AUTH
    assert "the licence has expired" in failure.message


@pytest.mark.virtual_time
async def test_a_licence_that_is_refused_costs_no_call(
    krisp: KrispAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRISP_VIVA_SDK_LICENSE_KEY", "of somebody else")
    sound, call = await heard(krisp)
    assert peaks(sound) == (LOUD, LOUD)
    assert [each.code for each in failures(call)] == [ErrorCode.AUTH]
