"""The features are Whisper's: held against its definition, written down a second time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_smart_turn._mel import (
    BANDS,
    FRAMES,
    SAMPLES,
    Floats,
    hz_to_mel,
    last_window,
    log_mel,
    mel_filters,
    mel_to_hz,
)

BIN_HZ = 40
"""A frame of 400 samples at 16 kHz."""


def tone(hz: float, height: float = 0.5) -> Floats:
    at = np.arange(SAMPLES) / 16_000
    sound: Floats = (height * np.sin(2 * np.pi * hz * at)).astype(np.float32)
    return sound


def speechlike(seed: int) -> Floats:
    """Noise that swells and fades over silence: loud and quiet frames, and a padded front."""
    noise = np.random.default_rng(seed).normal(0, 0.1, SAMPLES)
    swell = np.sin(np.arange(SAMPLES) / 16_000 * 2.5) ** 2
    swell[:30_000] = 0
    sound: Floats = (noise * swell).astype(np.float32)
    return sound


def edge_hz(number: int) -> float:
    """The *number*-th of 82 edges, equally far apart in mel from 0 to 8000 Hz."""
    top = 15 + 27 * math.log(8.0) / math.log(6.4)
    mel = top * number / 81
    return mel * 200 / 3 if mel < 15 else 1_000 * 6.4 ** ((mel - 15) / 27)


def weight(band: int, hz: float) -> float:
    low, peak, high = (edge_hz(band + i) for i in range(3))
    slope = min((hz - low) / (peak - low), (high - hz) / (high - peak))
    return max(0.0, slope) * 2 / (high - low)


def by_definition(samples: Floats, frame: int) -> list[float]:
    """The logarithms of the power in each band of one frame, without an FFT or a matrix."""
    x = samples.astype(np.float64)
    x = (x - x.mean()) / math.sqrt(x.var() + 1e-7)
    sound = []
    for n in range(400):
        at = abs(160 * frame - 200 + n)
        at = at if at < SAMPLES else 2 * (SAMPLES - 1) - at
        sound.append(x[at] * math.sin(math.pi * n / 400) ** 2)
    turn = 2 * np.pi * np.arange(400) / 400
    powers = [
        np.dot(sound, np.cos(k * turn)) ** 2 + np.dot(sound, np.sin(k * turn)) ** 2
        for k in range(201)
    ]
    sums = [sum(weight(b, BIN_HZ * k) * p for k, p in enumerate(powers)) for b in range(BANDS)]
    return [math.log10(max(each, 1e-10)) for each in sums]


@pytest.mark.parametrize("frame", [0, 1, 200, 333, 798, 799])
def test_a_frame_is_what_the_definition_makes_of_it(frame: int) -> None:
    samples = speechlike(3)
    features = log_mel(samples)
    assert features.shape == (BANDS, FRAMES) and features.dtype == np.float32
    loudest = features.max() * 4 - 4
    expected = [(max(each, loudest - 8) + 4) / 4 for each in by_definition(samples, frame)]
    assert features[:, frame] == pytest.approx(expected, abs=2e-4)


def test_the_bands_are_those_of_the_published_filter_bank() -> None:
    weights = mel_filters()
    assert weights.shape == (BANDS, 201)
    # librosa.filters.mel(sr=16000, n_fft=400, n_mels=80), which Whisper ships as mel_filters.npz.
    assert weights[0, :3] == pytest.approx([0.0, 0.02486259, 0.0], abs=1e-7)
    assert weights[1, :4] == pytest.approx([0.0, 0.00199082, 0.02287177, 0.0], abs=1e-7)
    expected = [[weight(band, BIN_HZ * k) for k in range(201)] for band in range(BANDS)]
    assert np.abs(weights - np.array(expected)).max() < 1e-12


def test_every_band_hears_something_and_no_frequency_between_is_lost() -> None:
    weights = mel_filters()
    assert (weights >= 0).all() and (weights.max(axis=1) > 0).all()
    assert (weights[:, 1:200].sum(axis=0) > 0).all()


def test_mel_is_slaneys() -> None:
    known = {0: 0, 200: 3, 1_000: 15, 6_400: 42}
    assert [hz_to_mel(hz) for hz in known] == pytest.approx(list(known.values()))
    assert mel_to_hz(np.array(list(known.values()), float)) == pytest.approx(list(known))


@given(st.floats(0, 8_000))
def test_there_and_back_is_the_same_frequency(hz: float) -> None:
    assert mel_to_hz(np.array([hz_to_mel(hz)]))[0] == pytest.approx(hz, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(150, 7_600))
def test_a_tone_is_loudest_in_its_own_band(hz: int) -> None:
    [band] = set(log_mel(tone(hz))[:, 50:-50].argmax(axis=0)[:1])
    assert edge_hz(band) - BIN_HZ <= hz <= edge_hz(band + 2) + BIN_HZ


def test_loudness_makes_no_difference() -> None:
    samples = speechlike(5)
    assert log_mel(samples) == pytest.approx(log_mel(samples * 0.25), abs=2e-3)


def test_silence_is_flat() -> None:
    assert (log_mel(np.zeros(SAMPLES, np.float32)) == np.float32(-1.5)).all()


def test_nothing_is_further_from_the_loudest_than_its_floor() -> None:
    features = log_mel(speechlike(7))
    assert features.max() - features.min() == pytest.approx(2.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=64), st.sampled_from([0, 1, 7, 2 * SAMPLES - 3, 2 * SAMPLES + 9]))
def test_the_window_ends_with_the_audio_and_begins_with_zeros(end: bytes, before: int) -> None:
    pcm = b"\x01" * before + end
    window = last_window(pcm)
    heard = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")[-SAMPLES:]
    assert window.shape == (SAMPLES,) and window.dtype == np.float32
    assert (window[: SAMPLES - heard.size] == 0).all()
    assert (window[SAMPLES - heard.size :] * 32_768 == heard).all()


def test_the_loudest_there_is_stays_within_one() -> None:
    assert last_window(b"\x00\x80\xff\x7f")[-2:].tolist() == [-1.0, 32_767 / 32_768]
