"""Keys in the order in which they were pressed: none lost, none twice, none late for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.carrier import Dtmf
from patter_telnyx._key_order import (
    MAX_WAITING,
    PATIENCE_MS,
    KeyOrder,
    Press,
    pressed_ms,
)

KEYS = "0123456789*#ABCD"
presses = st.lists(
    st.tuples(st.sampled_from(KEYS), st.floats(0, 5_000), st.floats(0, 300)), max_size=20
)


def press(digit: str, at_ms: float, number: int | None = None) -> Press:
    return Press(Dtmf(digit), at_ms, number)


def arrivals(sent: Sequence[tuple[float, Press]]) -> list[tuple[float, Dtmf]]:
    """When each key is heard, of keys that come at these times, by a clock of milliseconds."""
    order, heard = KeyOrder(), []
    coming = sorted(sent, key=lambda each: each[0])
    now_ms = 0.0
    while coming or order.patience_left_ms(now_ms) is not None:
        left_ms = order.patience_left_ms(now_ms)
        due_ms = float("inf") if left_ms is None else now_ms + left_ms
        if coming and coming[0][0] <= due_ms:
            now_ms, key = coming.pop(0)
            heard += [(now_ms, each) for each in order.put(key, now_ms)]
        else:
            now_ms = due_ms
            heard += [(now_ms, each) for each in order.release(now_ms)]
    return heard


@given(presses)
def test_every_key_is_heard_once_and_within_its_patience(
    keys: list[tuple[str, float, float]],
) -> None:
    sent = [
        (at_ms + late_ms, press(digit, at_ms, number))
        for number, (digit, at_ms, late_ms) in enumerate(keys)
    ]
    heard = arrivals(sent)
    assert sorted(key.digit for _, key in heard) == sorted(digit for digit, _, _ in keys)
    for number, (digit, at_ms, late_ms) in enumerate(keys):
        came = at_ms + late_ms
        times = [at for at, key in heard if key.digit == digit]
        assert any(came <= at <= came + PATIENCE_MS + 1e-6 for at in times), number


@given(st.lists(st.floats(0, PATIENCE_MS - 1), min_size=2, max_size=12))
def test_keys_that_are_less_late_than_the_patience_come_in_order(late_ms: list[float]) -> None:
    sent = [
        (number * 100 + late, press(KEYS[number], number * 100, number))
        for number, late in enumerate(late_ms)
    ]
    assert [key.digit for _, key in arrivals(sent)] == list(KEYS[: len(late_ms)])


def test_three_keys_of_which_the_second_comes_last() -> None:
    sent = [(10, press("1", 0)), (230, press("3", 200)), (300, press("2", 100))]
    assert arrivals(sent) == [(90, Dtmf("1")), (310, Dtmf("2")), (310, Dtmf("3"))]


def test_a_key_that_comes_too_late_is_heard_when_it_comes() -> None:
    sent = [(10, press("1", 0)), (230, press("3", 200)), (500, press("2", 100))]
    assert [key.digit for _, key in arrivals(sent)] == ["1", "3", "2"]


def test_a_frame_that_comes_twice_is_one_key_and_a_key_pressed_twice_is_two() -> None:
    twice = [(10, press("5", 0, 7)), (20, press("5", 0, 7)), (300, press("5", 0, 7))]
    assert [key.digit for _, key in arrivals(twice)] == ["5"]
    again = [(10, press("5", 0, 7)), (110, press("5", 100, 8))]
    assert [key.digit for _, key in arrivals(again)] == ["5", "5"]
    unnumbered = [(10, press("5", 0)), (20, press("5", 0))]
    assert [key.digit for _, key in arrivals(unnumbered)] == ["5", "5"]


def test_keys_of_one_second_are_told_apart_by_their_numbers() -> None:
    sent = [(10, press("2", 0, 9)), (20, press("1", 0, 8))]
    assert [key.digit for _, key in arrivals(sent)] == ["1", "2"]


def test_no_more_than_so_many_wait() -> None:
    order = KeyOrder()
    heard = [key for number in range(100) for key in order.put(press("1", number), 0.0)]
    assert len(heard) == 100 - MAX_WAITING


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-29T10:00:00.123456Z", 123.456),
        ("2026-11-29T10:00:00Z", 0.0),
        ("2026-11-29T11:00:00+01:00", 0.0),
        ("2026-11-29T10:00:00", 0.0),
        ("2026-11-29 10:00:00.5+00:00", 500.0),
    ],
)
def test_times_are_read_whatever_zone_they_are_written_in(when: str, expected: float) -> None:
    ten = pressed_ms("2026-11-29T10:00:00Z")
    assert ten is not None
    assert pressed_ms(when) == pytest.approx(ten + expected)


@pytest.mark.parametrize("when", [None, 7, "", "soon", "2026-13-01T00:00:00Z", {}])
def test_what_is_no_time_is_none(when: Any) -> None:
    assert pressed_ms(when) is None
