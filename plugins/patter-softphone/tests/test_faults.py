"""A bad line is as bad as asked, the same every time, and keeps its time."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from patter.audio.g711 import MULAW_VALUES
from patter_softphone._faults import ECHO_DELAY_MS, Echo, Faults, Line, frames

audio = st.binary(max_size=2_000)
seeds = st.integers(0, 1_000)
LOUD = bytes([0x10])


@given(audio, seeds)
def test_a_good_line_changes_nothing(sent: bytes, seed: int) -> None:
    line, echo = Line(Faults(seed=seed), "up"), Echo(None)
    echo.played(sent)
    assert echo.mix(line.carry(sent)) == sent
    assert line.arrival_ms(40.0) == 40.0


@given(st.floats(0, 30), seeds)
def test_the_share_of_lost_frames_is_the_one_asked_for(loss: float, seed: int) -> None:
    line, count = Line(Faults(loss_percent=loss, seed=seed), "up"), 2_000
    lost = sum(line.carry(LOUD * 160) != LOUD * 160 for _ in range(count))
    share = loss / 100
    spread = math.sqrt(count * share * (1 - share))
    assert abs(lost - count * share) <= 6 * spread


@given(st.floats(0, 30), seeds, st.lists(st.binary(min_size=1, max_size=160), max_size=50))
def test_what_is_lost_leaves_as_much_silence(loss: float, seed: int, sent: list[bytes]) -> None:
    line = Line(Faults(loss_percent=loss, seed=seed), "up")
    for frame in sent:
        assert line.carry(frame) in (frame, b"\xff" * len(frame))


@given(st.integers(0, 400), seeds, st.lists(st.floats(0, 60), max_size=60))
def test_frames_arrive_late_by_the_jitter_and_in_order(
    jitter: int, seed: int, steps: list[float]
) -> None:
    line, now, before = Line(Faults(jitter_ms=jitter, seed=seed), "down"), 0.0, 0.0
    for step in steps:
        now += step
        arrival = line.arrival_ms(now)
        assert arrival >= max(now, before)
        assert arrival <= now + jitter
        before = arrival


@given(seeds)
def test_the_same_seed_is_the_same_line(seed: int) -> None:
    faults = Faults(loss_percent=30, jitter_ms=400, seed=seed)
    one, same = Line(faults, "up"), Line(faults, "up")
    for at in range(50):
        assert one.carry(LOUD) == same.carry(LOUD)
        assert one.arrival_ms(at) == same.arrival_ms(at)


@given(st.floats(-40, 0), st.lists(st.binary(min_size=1, max_size=400), max_size=8), audio)
def test_an_echo_never_changes_how_long_a_frame_is(
    gain: float, played: list[bytes], spoken: bytes
) -> None:
    echo = Echo(gain)
    for part in played:
        echo.played(part)
    assert len(echo.mix(spoken)) == len(spoken)


def test_at_0_db_a_silent_caller_sends_the_agents_own_voice_back_late() -> None:
    echo, voice = Echo(0.0), bytes([0x20, 0xA0]) * 80
    echo.played(voice)
    late = 8 * ECHO_DELAY_MS
    back = b"".join(echo.mix(b"\xff" * 160) for _ in range(late // 160 + 1))
    assert back == b"\xff" * late + voice


@given(st.floats(-40, -6))
def test_an_echo_is_quieter_by_the_gain(gain: float) -> None:
    echo = Echo(gain)
    echo.played(bytes([0x80]) * 160)
    echo.mix(b"\xff" * (8 * ECHO_DELAY_MS))
    (back,) = set(echo.mix(b"\xff" * 160))
    wanted = MULAW_VALUES[0x80] * 10 ** (gain / 20)
    assert abs(MULAW_VALUES[back] - wanted) <= wanted * 0.05 + 8


def test_what_was_cleared_does_not_echo() -> None:
    echo = Echo(0.0)
    echo.played(LOUD * 4_000)
    echo.stopped()
    assert echo.mix(b"\xff" * 2_000) == b"\xff" * 2_000


@given(audio, st.integers(1, 500))
def test_frames_are_the_audio_in_pieces(sent: bytes, size: int) -> None:
    pieces = frames(sent, size)
    assert b"".join(pieces) == sent
    assert all(len(piece) == size for piece in pieces[:-1])
