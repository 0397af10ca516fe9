"""The power of blocks agrees with the level of the same samples."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.convert import convert
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, AudioFormat
from patter.audio.level import powers
from patter.audio.mix import SILENCE_DB, level_db
from patter_testing.strategies import pcm


@given(pcm(), st.sampled_from([5, 20, 1_000]))
def test_each_block_has_the_level_of_its_samples(samples: bytes, ms: float) -> None:
    size = PCM16_8K.bytes_in(ms)
    blocks = [samples[at : at + size] for at in range(0, len(samples), size)]
    found = powers(samples, PCM16_8K, ms)
    assert len(found) == len(blocks)
    for power, block in zip(found, blocks, strict=True):
        db = 10 * math.log10(power) if power else SILENCE_DB
        assert db == pytest.approx(level_db(block), abs=0.01)


@pytest.mark.parametrize("coded", [MULAW_8K, ALAW_8K], ids=str)
@given(codes=st.binary(max_size=500))
def test_g711_is_as_loud_as_what_it_stands_for(coded: AudioFormat, codes: bytes) -> None:
    samples = convert(codes, coded, PCM16_8K)
    assert powers(codes, coded, 20) == pytest.approx(powers(samples, PCM16_8K, 20), rel=1e-4)


def test_half_a_sample_is_left_out() -> None:
    assert powers(b"\x00\x40\x00", PCM16_8K, 20) == [0.25]
    assert powers(b"\x00", PCM16_8K, 20) == []
