"""High pass, echo canceller and gain, by what they do to sound."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from patter.audio.agc import AgcConfig, GainControl, agc_config
from patter.audio.convert import convert
from patter.audio.echo_canceller import TAIL_MS, EchoCanceller
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from patter.audio.high_pass import HighPass, check_high_pass
from patter.audio.mix import level_db, mix
from patter.errors import PatterTypeError
from patter_testing import AudioFilterSuite

Line: TypeAlias = NDArray[np.float64]
both_rates = pytest.mark.parametrize("audio", [PCM16_8K, PCM16_16K], ids=str)


def pcm(line: Line) -> bytes:
    return np.rint(np.clip(line, -1, 1) * 32_767).astype("<i2").tobytes()


def sine(hz: float, audio: AudioFormat, seconds: float = 2.0, level_db: float = -12.0) -> bytes:
    at = np.arange(round(seconds * audio.rate_hz)) / audio.rate_hz
    return pcm(10 ** (level_db / 20) * np.sqrt(2) * np.sin(2 * np.pi * hz * at))


def talk(seconds: float, audio: AudioFormat, seed: int, level: float = -22.0) -> bytes:
    """Noise with the spectrum of speech, in syllables, with pauses, at *level* while it lasts."""
    rng, count = np.random.default_rng(seed), round(seconds * audio.rate_hz)
    at, hz = np.arange(count) / audio.rate_hz, np.fft.rfftfreq(count, 1 / audio.rate_hz)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / (1 + (hz / 600) ** 2), count)
    phase = rng.uniform(0, 6, 2)
    syllables = np.clip(np.sin(2 * np.pi * 3 * at + phase[0]), 0, None) ** 0.7
    line = noise * syllables * (np.sin(2 * np.pi * 0.4 * at + phase[1]) > -0.5)
    return at_level(pcm(0.05 * line / line.std()), level)


def at_level(sound: bytes, level: float) -> bytes:
    """*sound* with what is loud of it at *level* dB of full scale."""
    return mix(bytes(len(sound)), sound, 10 ** ((level - active_db(sound)) / 20))


def active_db(sound: bytes, below_db: float = 20.0) -> float:
    """The level of what is not a pause: within *below_db* of the loudest 20 ms."""
    line = np.frombuffer(sound, "<i2").astype(float)
    powers = np.square(line[: len(line) // 160 * 160]).reshape(-1, 160).mean(axis=1)
    loud = powers[powers > powers.max() * 10 ** (-below_db / 10)]
    return float(10 * np.log10(loud.mean() / 32_768**2))


def through(session: Any, sound: bytes, frame: int = 320, far: bytes | None = None) -> bytes:
    out = []
    for at in range(0, len(sound), frame):
        if far is not None:
            session.far_end(far[at : at + frame])
        out.append(session.process(sound[at : at + frame]))
    return b"".join(out)


def seconds(sound: bytes, audio: AudioFormat, begin: float, end: float) -> bytes:
    return sound[audio.bytes_in(begin * 1_000) : audio.bytes_in(end * 1_000)]


# --- high pass


@both_rates
def test_hum_goes_and_voices_stay(audio: AudioFormat) -> None:
    losses = []
    for hz in (50, 120, 300, 1_000):
        sound = sine(hz, audio)
        out = through(HighPass(audio, 120), sound)
        losses.append(level_db(seconds(sound, audio, 1, 2)) - level_db(seconds(out, audio, 1, 2)))
    assert losses[0] > 15
    assert losses[1] == pytest.approx(3, abs=0.1)
    assert losses[2] < 0.2 and losses[3] < 0.05


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.floats(10, 1_000))
def test_how_audio_is_cut_does_not_change_what_is_filtered(counts: list[int], hz: float) -> None:
    sound = talk(2, PCM16_8K, seed=3)[: 2 * sum(counts)]
    whole, pieces, at = HighPass(PCM16_8K, hz).process(sound), b"", 0
    session = HighPass(PCM16_8K, hz)
    for count in counts:
        pieces += session.process(sound[at : at + 2 * count])
        at += 2 * count
    one, other = (np.frombuffer(each, "<i2").astype(int) for each in (whole, pieces))
    assert np.abs(one - other).max(initial=0) <= 1


def test_full_scale_stays_within_its_limits() -> None:
    steps = np.repeat([32_767, -32_768], 400).astype("<i2").tobytes() * 10
    assert len(through(HighPass(PCM16_8K, 300), steps)) == len(steps)


@pytest.mark.parametrize("wrong", [0, 5, 2_000, "80", True, float("nan")])
def test_a_cutoff_is_10_to_1000_hz(wrong: Any) -> None:
    with pytest.raises(ValueError, match="high_pass_hz"):
        check_high_pass(wrong)


# --- echo canceller


def room(far: bytes, audio: AudioFormat, delay_ms: float, level: float = -10.0) -> bytes:
    """*far* as a loudspeaker's echo in a room, and over a telephone line."""
    count = audio.rate_hz * 60 // 1_000
    rng = np.random.default_rng(5)
    way = rng.standard_normal(count) * np.exp(-np.arange(count) / (audio.rate_hz * 0.01))
    way *= 10 ** (level / 20) / np.sqrt(np.square(way).sum())
    line = np.convolve(np.frombuffer(far, "<i2") / 32_768, way)
    late = np.concatenate((np.zeros(round(delay_ms * audio.rate_hz / 1_000)), line))
    return over_the_line(pcm(late[: len(far) // 2]), audio)


def over_the_line(sound: bytes, audio: AudioFormat) -> bytes:
    if audio is not PCM16_8K:
        return sound
    return convert(convert(sound, audio, MULAW_8K), MULAW_8K, audio)


def loss_db(before: bytes, after: bytes) -> float:
    """How much less there is where there was something loud."""
    one, other = (
        np.square(np.frombuffer(each, "<i2")[: len(before) // 320 * 160].astype(float))
        .reshape(-1, 160)
        .mean(axis=1)
        for each in (before, after)
    )
    loud = one > one.max() * 10**-2.5
    return float(10 * np.log10(one[loud].mean() / other[loud].mean()))


@both_rates
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("delay_ms", [0, 130, 420])
def test_an_echo_gets_20_db_quieter(audio: AudioFormat, delay_ms: int, seed: int) -> None:
    far = talk(8, audio, seed=seed)
    echo = room(far, audio, delay_ms)
    out = through(EchoCanceller(audio), echo, audio.bytes_in(20), far)
    assert loss_db(seconds(echo, audio, 5, 8), seconds(out, audio, 5, 8)) >= 20
    assert loss_db(seconds(echo, audio, 0, 2), seconds(out, audio, 0, 2)) >= 0


@both_rates
def test_who_talks_over_the_agent_is_heard_as_before(audio: AudioFormat) -> None:
    far, near = talk(9, audio, seed=1), talk(9, audio, seed=2)
    near = bytes(audio.bytes_in(5_000)) + seconds(near, audio, 5, 9)
    both = mix(room(far, audio, 180), near)
    out = through(EchoCanceller(audio), both, audio.bytes_in(20), far)
    wanted, heard = (
        np.frombuffer(seconds(each, audio, 5, 9), "<i2").astype(float) for each in (near, out)
    )
    rest = heard - wanted
    assert (
        abs(level_db(heard.astype("<i2").tobytes()) - level_db(wanted.astype("<i2").tobytes()))
        < 0.5
    )
    assert np.square(wanted).mean() / np.square(rest).mean() > 10**2


def test_what_was_learned_outlasts_a_caller_who_talks_over_it() -> None:
    far, near = talk(10, PCM16_8K, seed=1), talk(10, PCM16_8K, seed=2)
    near = (
        bytes(PCM16_8K.bytes_in(4_000))
        + seconds(near, PCM16_8K, 4, 7)
        + bytes(PCM16_8K.bytes_in(3_000))
    )
    echo = room(far, PCM16_8K, 180)
    out = through(EchoCanceller(PCM16_8K), mix(echo, near), far=far)
    assert level_db(seconds(echo, PCM16_8K, 8, 10)) - level_db(seconds(out, PCM16_8K, 8, 10)) > 15


def test_with_nothing_played_audio_passes_untouched() -> None:
    session, near = EchoCanceller(PCM16_8K), talk(3, PCM16_8K, seed=2)
    assert through(session, near, far=bytes(len(near))) == near
    far = talk(2, PCM16_8K, seed=1)
    through(session, room(far, PCM16_8K, 100), far=far)
    through(session, bytes(PCM16_8K.bytes_in(TAIL_MS)), far=bytes(PCM16_8K.bytes_in(TAIL_MS)))
    assert through(session, near, far=bytes(len(near))) == near


@attrs.frozen
class CancellerAlone:
    """The echo canceller as a filter, for the suite of filters."""

    accepts = (PCM16_8K, PCM16_16K)

    def start(self, audio: AudioFormat) -> EchoCanceller:
        return EchoCanceller(audio)


class TestCanceller(AudioFilterSuite):
    @pytest.fixture
    def provider(self) -> Any:
        return CancellerAlone()


# --- gain


@pytest.mark.parametrize("level", [-40.0, -35.0, -25.0, -12.0])
@pytest.mark.parametrize("frame", [160, 320, 480, 640])
def test_speech_comes_to_its_level(level: float, frame: int) -> None:
    sound = talk(8, PCM16_8K, seed=4, level=level)
    out = through(GainControl(PCM16_8K), sound, frame)
    assert active_db(seconds(out, PCM16_8K, 1, 8)) == pytest.approx(-18, abs=2)


@pytest.mark.parametrize("level", [-90.0, -60.0, -48.0])
def test_what_is_too_soft_to_be_speech_stays_as_it_is(level: float) -> None:
    hiss = pcm(10 ** (level / 20) * np.random.default_rng(1).standard_normal(16_000))
    assert through(GainControl(PCM16_8K), hiss) == hiss
    assert through(GainControl(PCM16_8K), bytes(3_200)) == bytes(3_200)


def test_after_speech_a_pause_goes_back_to_how_it_came() -> None:
    hiss = pcm(10 ** (-60 / 20) * np.random.default_rng(1).standard_normal(16_000))
    session = GainControl(PCM16_8K)
    through(session, talk(4, PCM16_8K, seed=4, level=-35))
    out = through(session, hiss)
    assert level_db(seconds(out, PCM16_8K, 1.5, 2)) == pytest.approx(-60, abs=0.5)


def test_the_first_syllable_after_a_pause_has_its_level() -> None:
    session, speech = GainControl(PCM16_8K), sine(400, PCM16_8K, 3, -35)
    through(session, speech + bytes(16_000))
    out = session.process(speech[: PCM16_8K.bytes_in(150)])
    assert level_db(out[-PCM16_8K.bytes_in(50) :]) == pytest.approx(-18, abs=2)


@given(st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=400))
def test_no_sample_is_above_the_ceiling(values: list[int]) -> None:
    session = GainControl(PCM16_8K, AgcConfig(target_rms_dbfs=0, limiter_ceiling=0.5))
    for _ in range(5):
        out = np.frombuffer(session.process(np.array(values, "<i2").tobytes()), "<i2")
        assert np.abs(out.astype(int)).max() <= 0.5 * 32_767 + 1


def test_a_shout_after_a_whisper_does_not_clip() -> None:
    quiet, loud = talk(4, PCM16_8K, seed=4, level=-42), talk(2, PCM16_8K, seed=5, level=-8)
    out = np.frombuffer(through(GainControl(PCM16_8K), quiet + loud), "<i2")
    assert np.abs(out.astype(int)).max() <= 0.99 * 32_767 + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_rms_dbfs": 3},
        {"max_gain_db": -1},
        {"limiter_ceiling": 1.5},
        {"attack_ms": 0},
        {"release_ms": "200"},
        {"speech_floor_dbfs": True},
    ],
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AgcConfig(**wrong)


def test_agc_is_on_off_or_its_settings() -> None:
    assert (agc_config(False), agc_config(None), agc_config(True)) == (None, None, AgcConfig())
    assert agc_config(AgcConfig(max_gain_db=6)) == AgcConfig(max_gain_db=6)
    with pytest.raises(PatterTypeError):
        agc_config("loud")
