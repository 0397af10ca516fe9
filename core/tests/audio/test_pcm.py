"""Conversions outside a call: in one go and in streams, whatever the pieces."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio import pcm as audio_pcm
from patter.audio.pcm import PcmCarry, PcmMixer, StatefulResampler, mix_pcm, resample_pcm

RATES = [(8_000, 16_000), (16_000, 8_000), (24_000, 16_000), (24_000, 8_000)]
FACTORIES = [
    getattr(audio_pcm, f"create_resampler_{src // 1_000}k_to_{dst // 1_000}k") for src, dst in RATES
]
cuts = st.lists(st.integers(1, 700), min_size=1, max_size=30)


def sound(count: int) -> bytes:
    return struct.pack(f"<{count}h", *((at * 257) % 20_000 - 10_000 for at in range(count)))


def pieces(line: bytes, sizes: list[int]) -> list[bytes]:
    out, at = [], 0
    for size in (*sizes, len(line)):
        out.append(line[at : at + size])
        at += size
    return out


@pytest.mark.parametrize(("rates", "make"), list(zip(RATES, FACTORIES, strict=True)))
@given(sizes=cuts)
def test_a_stream_in_any_pieces_is_the_whole(
    rates: tuple[int, int], make: Callable[[], StatefulResampler], sizes: list[int]
) -> None:
    stream, line = make(), sound(4_000)
    out = b"".join(map(stream.process, pieces(line, sizes))) + stream.flush()
    assert out == resample_pcm(line, *rates)
    assert abs(len(out) - len(line) * rates[1] / rates[0]) <= 4


@pytest.mark.parametrize("name", ["8k_to_16k", "16k_to_8k", "24k_to_16k"])
def test_one_go_keeps_the_length_in_time(name: str) -> None:
    source, sink = (int(each.removesuffix("k")) for each in name.split("_to_"))
    out = getattr(audio_pcm, f"resample_{name}")(sound(source * 100) + b"\0")
    assert abs(len(out) - sink * 200) <= 4


def test_after_a_reset_nothing_of_the_old_stream_comes() -> None:
    stream, fresh = (StatefulResampler(8_000, 16_000) for _ in range(2))
    stream.process(sound(900) + b"\1")
    stream.reset()
    assert stream.process(sound(2_000)) == fresh.process(sound(2_000))


@pytest.mark.parametrize("shape", [{"channels": 2}, {"sample_width": 3}])
def test_only_one_channel_of_16_bits_is_resampled(shape: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot be resampled"):
        StatefulResampler(8_000, 16_000, **shape)


def test_the_same_rate_is_the_same_audio() -> None:
    assert StatefulResampler(8_000, 8_000).process(sound(10)) == sound(10)


@given(st.binary(max_size=300), cuts, st.integers(1, 4))
def test_a_carry_loses_no_byte(data: bytes, sizes: list[int], width: int) -> None:
    carry = PcmCarry(width)
    whole = [carry.feed(piece) for piece in pieces(data, sizes)]
    assert all(len(each) % width == 0 for each in whole)
    rest = carry.flush()
    assert b"".join(whole) + rest == data
    assert len(rest) < width
    assert carry.flush() == b""


def test_a_carry_can_be_told_to_forget() -> None:
    carry = PcmCarry()
    assert (carry.feed(b"abc"), carry.align(b"abc")) == (b"ab", b"ab")
    carry.reset()
    assert carry.feed(b"de") == b"de"


@given(
    st.lists(st.integers(-32_768, 32_767), max_size=20),
    st.lists(st.integers(-32_768, 32_767), max_size=20),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_a_mix_is_the_sum_rounded_and_clipped(
    agent: list[int], bg: list[int], ratio: float
) -> None:
    one, other = (struct.pack(f"<{len(each)}h", *each) for each in (agent, bg))
    out = struct.unpack(f"<{len(agent)}h", mix_pcm(one, other, ratio))
    added = [*bg, *[0] * len(agent)]
    for mixed, mine, theirs in zip(out, agent, added, strict=False):
        assert abs(mixed - max(-32_768, min(32_767, mine + round(theirs * ratio)))) <= 1
    assert PcmMixer(ratio).mix(one, other) == mix_pcm(one, other, ratio)


def test_a_mix_rounds_what_is_added_and_not_the_sum() -> None:
    one, half = struct.pack("<h", 1), struct.pack("<h", 5)
    assert mix_pcm(one, half, 0.5) == struct.pack("<h", 3)
