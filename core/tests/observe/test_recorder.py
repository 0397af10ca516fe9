"""The recording of a call."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.observe.recorder import WavRecorder
from patter.observe.timeline import MAX_LAG_MS, Side, Timeline

RATES = st.sampled_from([8_000, 16_000])
pieces = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 800)), max_size=20)


def tone(count: int, level: int) -> bytes:
    return struct.pack(f"<{count}h", *[level] * count)


def channels(path: Path) -> tuple[list[int], list[int], int]:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (2, 2)
        body = wav.readframes(wav.getnframes())
        samples = struct.unpack(f"<{len(body) // 2}h", body)
        return list(samples[::2]), list(samples[1::2]), wav.getframerate()


@given(RATES, pieces)
def test_no_two_pieces_of_one_side_overlap(rate: int, said: list[tuple[int, int]]) -> None:
    timeline, end = Timeline(rate), 0
    for at_ms, count in said:
        start = timeline.put(Side.CALLER, at_ms, count)
        if start is None:
            assert timeline.ends[Side.CALLER] == end
        else:
            assert start >= end
            assert 0 <= start - at_ms * rate / 1_000 + 1 <= MAX_LAG_MS * rate / 1_000 + 2
            end = start + count


@given(RATES, st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), max_size=20))
def test_audio_in_time_lies_within_a_sample_of_it(rate: int, said: list[tuple[int, int]]) -> None:
    timeline, at_ms = Timeline(rate), 0.0
    for pause_ms, lasts_ms in said:
        at_ms += pause_ms
        start = timeline.put(Side.AGENT, at_ms, timeline.sample(lasts_ms))
        assert start is not None
        assert abs(start - at_ms * rate / 1_000) <= 1
        at_ms += lasts_ms


@given(RATES, pieces, st.integers(0, 6_000))
def test_after_a_cut_nothing_is_left_behind_it(
    rate: int, said: list[tuple[int, int]], cut_ms: int
) -> None:
    timeline = Timeline(rate)
    for at_ms, count in said:
        timeline.put(Side.AGENT, at_ms, count)
    before = timeline.ends[Side.AGENT]
    start, stop = timeline.cut(Side.AGENT, cut_ms)
    assert stop == before
    assert timeline.ends[Side.AGENT] == start == min(before, timeline.sample(cut_ms))


def test_caller_is_left_and_agent_right_on_one_clock(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "call.wav", rate_hz=8_000)
    recorder.agent(10, tone(160, 7))
    recorder.caller(20, tone(80, 3))
    recorder.join()
    left, right, rate = channels(recorder.path)
    assert rate == 8_000
    assert left == [0] * 160 + [3] * 80
    assert right == [0] * 80 + [7] * 160


def test_what_a_barge_in_cut_off_is_silent(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "call.wav", rate_hz=16_000)
    recorder.agent(0, tone(16_000, 7))
    recorder.caller(0, tone(160, 3))
    recorder.agent_cut(5)
    recorder.agent(20, tone(16, 9))
    recorder.join()
    left, right, _ = channels(recorder.path)
    assert left[:160] == [3] * 160
    assert right == [7] * 80 + [0] * 240 + [9] * 16


def test_a_line_that_was_held_up_is_on_its_clock_again_after_a_pause(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "call.wav", rate_hz=8_000)
    for at_ms, level in ((0, 900), (500, 901), (510, 902), (510, 0), (520, 0), (530, 903)):
        recorder.caller(at_ms, tone(160, level))
    recorder.join()
    left = channels(recorder.path)[0]
    assert [left.index(level) / 8 for level in (900, 901, 902, 903)] == [0, 500, 520, 540]


def test_audio_is_decoded_off_the_path_of_the_call(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "call.wav", decoder=lambda: lambda audio: tone(len(audio), 5))
    recorder.caller(0, b"\xff" * 10)
    recorder.join()
    assert channels(recorder.path)[0] == [5] * 10


async def test_a_call_without_audio_leaves_an_empty_recording(tmp_path: Path) -> None:
    recorder = WavRecorder(tmp_path / "new" / "call.wav")
    assert await recorder.finish()
    assert channels(recorder.path)[0] == []
    assert recorder.path.stat().st_mode & 0o077 == 0


def test_rates_a_telephone_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        WavRecorder(tmp_path / "call.wav", rate_hz=44_100)


def test_a_recording_that_exists_is_left_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "call.wav").write_bytes(b"another call's")
    recorder = WavRecorder(tmp_path / "call.wav")
    recorder.caller(0, tone(80, 3))
    recorder.join()
    assert recorder.path.read_bytes() == b"another call's"
    assert "cannot be written" in caplog.text
