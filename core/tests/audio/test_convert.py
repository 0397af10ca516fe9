"""What comes out of a conversion is the sound that went in, however it was cut."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from patter.audio.convert import Same, convert, converter
from patter.audio.fit import chain
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
    Encoding,
)

PCM16_48K = AudioFormat(Encoding.PCM16, 48_000)
FORMATS = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, PCM16_48K)
PAIRS = tuple(product(FORMATS, FORMATS))


def pair_name(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def tone(hz: float, rate_hz: int, ms: int = 500) -> bytes:
    moments = np.arange(rate_hz * ms // 1_000) / rate_hz
    return (8_000 * np.sin(2 * np.pi * hz * moments)).round().astype("<i2").tobytes()


def as_pcm(audio: bytes, form: AudioFormat) -> NDArray[np.float64]:
    flat = convert(audio, form, AudioFormat(Encoding.PCM16, form.rate_hz))
    return np.frombuffer(flat, "<i2").astype(np.float64)


def strongest_hz(samples: NDArray[np.float64], rate_hz: int) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return float(power.argmax()) * rate_hz / (1 << 17)


@pytest.mark.parametrize("pair", PAIRS, ids=pair_name)
@pytest.mark.parametrize("hz", [300, 1_000, 3_300])
def test_a_tone_keeps_its_pitch_and_level(pair: tuple[AudioFormat, AudioFormat], hz: int) -> None:
    source, sink = pair
    flat = AudioFormat(Encoding.PCM16, source.rate_hz)
    audio = convert(tone(hz, source.rate_hz), flat, source)
    before = as_pcm(audio, source)
    after = as_pcm(convert(audio, source, sink), sink)
    assert strongest_hz(after, sink.rate_hz) == pytest.approx(hz, rel=0.01)
    inner = slice(len(after) // 5, -len(after) // 5)
    level = np.sqrt((after[inner] ** 2).mean() / (before**2).mean())
    assert abs(20 * np.log10(level)) < 0.5


@pytest.mark.parametrize("pair", PAIRS, ids=pair_name)
def test_a_conversion_keeps_the_length(pair: tuple[AudioFormat, AudioFormat]) -> None:
    source, sink = pair
    out = convert(source.silence * (source.rate_hz // 5), source, sink)
    assert sink.ms_in(len(out)) == pytest.approx(200, abs=0.5)


@pytest.mark.parametrize("source", [PCM16_16K, PCM16_24K, PCM16_48K], ids=str)
def test_what_does_not_fit_under_the_new_rate_is_gone(source: AudioFormat) -> None:
    after = as_pcm(convert(tone(5_000, source.rate_hz), source, PCM16_8K), PCM16_8K)
    assert np.abs(after[400:-400]).max() < 8


@given(
    st.sampled_from(PAIRS),
    st.binary(max_size=3_000),
    st.lists(st.integers(0, 3_000), max_size=12),
)
def test_any_cut_gives_the_same_bytes(
    pair: tuple[AudioFormat, AudioFormat], audio: bytes, cuts: list[int]
) -> None:
    source, sink = pair
    audio = audio[: len(audio) // source.sample_bytes * source.sample_bytes]
    stream = converter(chain(source, sink))
    edges = [0, *sorted(cuts), len(audio)]
    out = b"".join(stream.feed(audio[a:b]) for a, b in pairwise(edges))
    assert out + stream.flush() == convert(audio, source, sink)


@given(st.sampled_from(PAIRS), st.binary(max_size=999), st.binary(max_size=999))
def test_a_flushed_converter_begins_afresh(
    pair: tuple[AudioFormat, AudioFormat], first: bytes, second: bytes
) -> None:
    stream = converter(chain(*pair))
    stream.feed(first)
    stream.flush()
    fresh = converter(chain(*pair))
    assert stream.feed(second) + stream.flush() == fresh.feed(second) + fresh.flush()


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_no_conversion_returns_the_very_same_object(form: AudioFormat) -> None:
    audio = b"\x01\x02\x03"
    stream = converter(chain(form, form))
    assert stream == Same()
    assert stream.feed(audio) is audio
    assert stream.flush() == b""
    assert convert(audio, form, form) is audio


@pytest.mark.parametrize(
    "pair", [(a, b) for a, b in PAIRS if a.rate_hz != b.rate_hz], ids=pair_name
)
def test_a_stream_is_never_more_than_30_ms_behind(
    pair: tuple[AudioFormat, AudioFormat],
) -> None:
    source, sink = pair
    stream = converter(chain(source, sink))
    ready_ms = 0.0
    for frame in range(1, 51):
        ready_ms += sink.ms_in(len(stream.feed(source.silence * (source.rate_hz // 50))))
        assert frame * 20 - ready_ms <= 30.0
