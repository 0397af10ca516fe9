"""G.711 against the tables of the recommendation, written down another way than the code's."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio import g711

ALL_SAMPLES = np.arange(-32768, 32768, dtype="<i2")


def mulaw_decisions() -> list[int]:
    """Table 2a: decision values on a 14-bit scale; chord ends 31, 95, 223, ... 8159."""
    values = [0, 1]
    for chord in range(8):
        while values[-1] < (31, 95, 223, 479, 991, 2015, 4063, 8159)[chord]:
            values.append(values[-1] + (2 << chord))
    return [4 * value for value in values]


def alaw_decisions() -> list[int]:
    """Table 1a: decision values on a 13-bit scale; chord ends 64, 128, ... 4096."""
    values = [0]
    for chord, end in enumerate((64, 128, 256, 512, 1024, 2048, 4096)):
        while values[-1] < end:
            values.append(values[-1] + (2 << chord))
    return [8 * value for value in values]


def interval(decisions: list[int], sample: int) -> int:
    """Which positive quantiser interval a sample or its mirror image falls in."""
    magnitude = ~sample if sample < 0 else sample
    return min(bisect_right(decisions, magnitude), len(decisions) - 1) - 1


def test_mulaw_has_128_intervals_a_side_and_so_has_alaw() -> None:
    assert len(mulaw_decisions()) == 129
    assert len(alaw_decisions()) == 129


def test_every_sample_gets_the_mulaw_code_of_its_interval() -> None:
    codes = g711.pcm16_to_mulaw(ALL_SAMPLES.tobytes())
    decisions = mulaw_decisions()
    for sample, code in zip(ALL_SAMPLES.tolist(), codes, strict=True):
        sign = 0x00 if sample < 0 else 0x80
        assert code == sign | (interval(decisions, sample) ^ 0x7F)


def test_every_sample_gets_the_alaw_code_of_its_interval() -> None:
    codes = g711.pcm16_to_alaw(ALL_SAMPLES.tobytes())
    decisions = alaw_decisions()
    for sample, code in zip(ALL_SAMPLES.tolist(), codes, strict=True):
        sign = 0x00 if sample < 0 else 0x80
        assert code == (sign | interval(decisions, sample)) ^ 0x55


def test_values_lie_in_the_middle_of_their_intervals() -> None:
    mulaw, alaw = mulaw_decisions(), alaw_decisions()
    for index in range(1, 128):
        middle = (mulaw[index] + mulaw[index + 1]) // 2
        assert g711.MULAW_VALUES[0x80 | (index ^ 0x7F)] == middle
        assert g711.MULAW_VALUES[index ^ 0x7F] == -middle
    for index in range(128):
        middle = (alaw[index] + alaw[index + 1]) // 2
        assert g711.ALAW_VALUES[(0x80 | index) ^ 0x55] == middle
        assert g711.ALAW_VALUES[index ^ 0x55] == -middle


def test_reference_codes() -> None:
    assert g711.mulaw_to_pcm16(b"\xff\x80\x00") == b"\0\0" + b"\x7c\x7d" + b"\x84\x82"
    assert g711.alaw_to_pcm16(b"\xd5\x55") == b"\x08\0" + b"\xf8\xff"
    assert g711.pcm16_to_mulaw(b"\0\0\xff\x7f\x00\x80") == b"\xff\x80\x00"
    assert g711.pcm16_to_alaw(b"\0\0\xff\x7f\x00\x80") == b"\xd5\xaa\x2a"


@given(st.binary(max_size=400))
def test_a_code_survives_the_way_to_pcm_and_back(audio: bytes) -> None:
    assert g711.pcm16_to_alaw(g711.alaw_to_pcm16(audio)) == audio
    negative_zero_gone = audio.replace(b"\x7f", b"\xff")
    assert g711.pcm16_to_mulaw(g711.mulaw_to_pcm16(audio)) == negative_zero_gone


@given(st.binary(max_size=400))
def test_crossing_is_decoding_and_encoding(audio: bytes) -> None:
    assert g711.mulaw_to_alaw(audio) == g711.pcm16_to_alaw(g711.mulaw_to_pcm16(audio))
    assert g711.alaw_to_mulaw(audio) == g711.pcm16_to_mulaw(g711.alaw_to_pcm16(audio))


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of element size"):
        g711.pcm16_to_mulaw(b"\0\0\0")
