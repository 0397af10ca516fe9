"""Every key is understood after G.711, in order, and lasts as long as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.convert import convert
from patter.audio.dtmf import AMPLITUDE, KEYPAD, KEYS, tones, tones_ms
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
    Encoding,
)
from patter.errors import InputError, PatterConfigError
from patter_testing.tones import digits_in

FORMATS = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)


@pytest.mark.parametrize("audio", FORMATS, ids=str)
@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_understood_in_every_format(key: str, audio: AudioFormat) -> None:
    assert digits_in(tones(key, audio), audio) == key


@given(st.text(KEYS + "w", max_size=8), st.sampled_from(FORMATS))
def test_keys_come_in_order_doubled_ones_twice(digits: str, audio: AudioFormat) -> None:
    sound = tones(digits, audio)
    assert digits_in(sound, audio) == digits.replace("w", "")
    assert audio.ms_in(len(sound)) == tones_ms(digits)


def test_all_sixteen_keys_have_a_sound_of_their_own() -> None:
    assert sorted(KEYS) == sorted("".join(KEYPAD))
    assert len({tones(key, MULAW_8K) for key in KEYS}) == 16


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_loud_and_not_clipped(key: str) -> None:
    samples = np.frombuffer(tones(key, PCM16_8K), "<i2").astype(int)
    assert 1.8 * AMPLITUDE < abs(samples).max() <= 2 * AMPLITUDE < 32_124
    decoded = convert(tones(key, MULAW_8K), MULAW_8K, PCM16_8K)
    assert abs(np.frombuffer(decoded, "<i2").astype(int) - samples).max() < 600


def test_a_key_fades_in_and_out() -> None:
    samples = np.frombuffer(tones("5", PCM16_8K), "<i2").astype(int)
    on = samples[: 8 * 120]
    assert abs(on[:4]).max() < 2_000 and abs(on[-4:]).max() < 2_000


@given(st.integers(0, 2**32 - 1), st.sampled_from(FORMATS))
def test_noise_is_no_key(seed: int, audio: AudioFormat) -> None:
    noise = np.random.default_rng(seed).normal(0, 3_000, audio.rate_hz // 2)
    pcm = np.clip(noise, -32_768, 32_767).astype("<i2").tobytes()
    assert digits_in(convert(pcm, AudioFormat(Encoding.PCM16, audio.rate_hz), audio), audio) == ""


def test_a_key_is_understood_over_noise_and_half_a_key_is_none() -> None:
    pcm = np.frombuffer(tones("7", PCM16_8K), "<i2").astype(float)
    noise = np.random.default_rng(7).normal(0, 1_500, len(pcm))
    assert digits_in((pcm + noise).astype("<i2").tobytes(), PCM16_8K) == "7"
    assert digits_in(tones("7", MULAW_8K)[: 8 * 25], MULAW_8K) == ""
    assert digits_in(b"", MULAW_8K) == ""


@pytest.mark.parametrize("wrong", ["a", "5e", "1 2", "\u0665", "W"])
def test_what_is_no_key_has_no_tone(wrong: str) -> None:
    with pytest.raises(InputError, match="is not a key"):
        tones(wrong, MULAW_8K)


def test_a_rate_that_cannot_carry_the_tones_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="cannot carry"):
        tones("1", AudioFormat(Encoding.PCM16, 2_000))
