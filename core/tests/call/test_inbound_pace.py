"""What a line may bring, and how little a line that brings more takes from others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K
from patter.call.inbound_pace import (
    AHEAD_MS,
    HELD_UP_MS,
    KEYS_AT_ONCE,
    LONGEST_NAME,
    OTHERS_AT_ONCE,
    TOLERANCE,
    InboundPace,
)
from patter.providers.carrier import Dtmf, Hangup, LegEvent, MarkPlayed

FRAME = bytes(160)


def admitted(pace: InboundPace, event: LegEvent, count: int, every_ms: float = 0.0) -> int:
    return sum(pace.admits(event, at * every_ms) for at in range(count))


def test_a_line_in_real_time_loses_nothing_in_an_hour() -> None:
    assert admitted(InboundPace(MULAW_8K, 0.0), FRAME, 180_000, 20.0) == 180_000


def test_a_carrier_whose_clock_is_a_little_fast_loses_nothing() -> None:
    assert admitted(InboundPace(MULAW_8K, 0.0), FRAME, 180_000, 19.9) == 180_000


def test_what_a_network_held_up_is_real_time() -> None:
    pace = InboundPace(MULAW_8K, 0.0)
    assert all(pace.admits(FRAME, 8_000.0) for _ in range(400))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 4_000)), max_size=60))
def test_no_line_brings_more_than_real_time_and_a_second(chunks: list[tuple[int, int]]) -> None:
    pace, now, total_ms = InboundPace(MULAW_8K, 0.0), 0.0, 0.0
    for wait_ms, size in chunks:
        now += wait_ms
        if pace.admits(bytes(size), now):
            total_ms += size / 8
    assert total_ms <= AHEAD_MS + now * TOLERANCE


def test_a_long_silence_earns_no_more_than_a_network_holds() -> None:
    pace = InboundPace(MULAW_8K, 0.0)
    taken = sum(pace.admits(FRAME, 3_600_000.0) for _ in range(10_000))
    assert taken * 20 <= HELD_UP_MS


def test_keys_and_marks_come_as_fast_as_anybody_makes_them() -> None:
    assert admitted(InboundPace(MULAW_8K, 0.0), Dtmf("1"), 10_000) == KEYS_AT_ONCE
    assert admitted(InboundPace(MULAW_8K, 0.0), Dtmf("1"), 1_000, 100.0) == 1_000
    assert admitted(InboundPace(MULAW_8K, 0.0), MarkPlayed("1.1"), 10_000) == OTHERS_AT_ONCE


def test_a_name_nobody_gave_is_not_kept_and_a_hang_up_always_counts() -> None:
    pace = InboundPace(MULAW_8K, 0.0)
    assert not pace.admits(MarkPlayed("x" * (LONGEST_NAME + 1)), 0.0)
    assert sum(pace.admits(FRAME, 0.0) for _ in range(1_000)) == 50
    assert pace.admits(Hangup(), 0.0)
    assert pace.dropped > 900


def test_it_is_said_now_and_then() -> None:
    pace = InboundPace(MULAW_8K, 0.0)
    assert [pace.is_news(at) for at in (0.0, 1.0, 9_000.0, 10_000.0)] == [True, False, False, True]
