"""Mixing adds and clips; a level is what a meter would show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.mix import SILENCE_DB, level_db, mix

sounds = st.lists(st.integers(-32768, 32767), max_size=50)
gains = st.floats(0, 4, width=32)


def pcm(samples: list[int]) -> bytes:
    return np.array(samples, "<i2").tobytes()


@given(sounds, sounds, gains)
def test_each_sample_is_the_clipped_sum(one: list[int], other: list[int], gain: float) -> None:
    padded = other + [0] * len(one)
    wanted = [
        max(-32768, min(32767, float(a) + b * gain)) for a, b in zip(one, padded, strict=False)
    ]
    got = np.frombuffer(mix(pcm(one), pcm(other), gain), "<i2")
    assert got.tolist() == pytest.approx(wanted, abs=0.51)


def test_mixing_nothing_in_changes_nothing() -> None:
    sound = pcm([1, 2, 3])
    assert mix(sound, b"") is sound
    assert mix(sound, sound, 0.0) is sound


@pytest.mark.parametrize(
    ("samples", "level"),
    [([32767, -32768] * 80, 0.0), ([3277, -3277] * 80, -20.0), ([33, -33] * 80, -59.94)],
)
def test_a_square_wave_has_the_level_of_its_height(samples: list[int], level: float) -> None:
    assert level_db(pcm(samples)) == pytest.approx(level, abs=0.01)


def test_silence_has_the_lowest_level() -> None:
    assert level_db(b"") == level_db(bytes(320)) == SILENCE_DB
    assert level_db(pcm([1])) > SILENCE_DB
