"""Positions of the caller's audio keep to the clock through jitter, bursts, gaps and silence."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from patter.call.audio_in import LATE_MS, STRETCHES, AudioPosition

FRAME = 20.0
delays = st.floats(0, 90)


def spoken(position: AudioPosition, times: list[float], delay_ms: float = 0.0) -> None:
    """Frames that were spoken until *times*, each *delay_ms* late."""
    for at_ms in times:
        position.took(FRAME, at_ms + delay_ms)


def frames(from_ms: float, count: int) -> list[float]:
    """When *count* frames end whose first begins at *from_ms*."""
    return [from_ms + FRAME * (number + 1) for number in range(count)]


def test_audio_on_time_lies_where_it_was_spoken() -> None:
    position = AudioPosition()
    spoken(position, frames(500, 10))
    assert [position.at(ms) for ms in (0, 100, 200)] == [500, 600, 700]


@given(st.lists(delays, min_size=3, max_size=60))
def test_jitter_moves_nothing_by_more_than_the_least_delay(late: list[float]) -> None:
    position, arrived_ms, delays_ms = AudioPosition(), 0.0, []
    for number, delay_ms in enumerate(late):
        arrived_ms = max(arrived_ms, (number + 1) * FRAME + delay_ms)
        delays_ms.append(arrived_ms - (number + 1) * FRAME)
        position.took(FRAME, arrived_ms)
    assert position.at(0) == round(min(delays_ms))
    assert position.at(200) - position.at(0) <= 200


@given(st.integers(10, 100), st.integers(100, 3_000), st.integers(1, 20))
@example(before=25, gap_ms=2_000, after=10)
def test_a_gap_that_was_filled_takes_its_time_once(before: int, gap_ms: int, after: int) -> None:
    position = AudioPosition()
    spoken(position, frames(0, before))
    end_ms = before * FRAME
    position.filled(gap_ms - 40)
    spoken(position, frames(end_ms + gap_ms, after))
    assert position.at(end_ms) == round(end_ms)
    again_ms = end_ms + gap_ms - 40
    assert position.at(again_ms) == round(end_ms + gap_ms)
    assert position.at(again_ms + FRAME) == round(end_ms + gap_ms + FRAME)


@given(st.integers(10, 100), st.integers(6, 25))
def test_a_burst_after_silence_was_put_in_is_put_back_where_it_was_spoken(
    before: int, held_up: int
) -> None:
    position = AudioPosition()
    spoken(position, frames(0, before))
    end_ms, stall_ms = before * FRAME, held_up * FRAME
    position.filled(stall_ms - FRAME)
    for _ in range(held_up):
        position.took(FRAME, end_ms + stall_ms)
    burst_from = end_ms + stall_ms - FRAME
    spoken(position, frames(end_ms + stall_ms, 5))
    assert position.at(burst_from) == round(end_ms)
    assert position.at(burst_from + stall_ms) == round(end_ms + stall_ms)
    assert position.at(position.fed_ms) == round(end_ms + stall_ms + 5 * FRAME)


def test_what_ends_in_silence_that_was_put_in_ended_with_the_audio() -> None:
    position = AudioPosition()
    spoken(position, frames(0, 10))
    position.filled(300)
    assert position.at(260) == 200


def test_audio_late_for_good_moves_what_was_before_it_too() -> None:
    position = AudioPosition()
    spoken(position, frames(0, 5), delay_ms=80)
    position.filled(100)
    spoken(position, frames(100, 5))
    assert position.at(0) == 0
    assert position.at(200) == 100


def test_a_gap_that_nobody_filled_leaves_the_audio_before_it_alone() -> None:
    position = AudioPosition()
    spoken(position, frames(0, 10))
    spoken(position, frames(200 + 2 * LATE_MS, 10))
    assert position.at(100) == 100
    assert position.at(300) == 300 + 2 * LATE_MS


@given(
    st.lists(
        st.tuples(st.sampled_from(["took", "filled"]), st.floats(0, 900)), min_size=1, max_size=200
    )
)
def test_the_clock_never_runs_back_along_the_audio(steps: list[tuple[str, float]]) -> None:
    position, now_ms = AudioPosition(), 1_000.0
    for what, wait_ms in steps:
        now_ms += wait_ms
        if what == "took":
            position.took(FRAME, now_ms)
        else:
            position.filled(wait_ms)
    told = [position.at(ms) for ms in range(0, int(position.fed_ms) + 1, 10)]
    assert told == sorted(told)
    assert all(0 <= at_ms <= now_ms + 1 for at_ms in told)


def test_a_long_call_full_of_gaps_remembers_the_last_ones_only() -> None:
    position = AudioPosition()
    for number in range(10_000):
        position.took(FRAME, 1_000.0 * (number + 1))
        position.filled(500)
    assert len(position._stretches) == STRETCHES
    assert position.at(position.fed_ms) == 10_000_000
