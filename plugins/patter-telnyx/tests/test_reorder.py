"""Frames come out in order, once, whatever order they came in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from patter_telnyx._reorder import RESTART, Reorder

PATIENCE = 5


@st.composite
def nearly_in_order(draw: st.DrawFn) -> list[int]:
    """Numbers from 1, none of which was overtaken by more than PATIENCE others."""
    waiting, numbers = list(range(1, draw(st.integers(1, 60)) + 1)), list[int]()
    while waiting:
        late = sum(number > waiting[0] for number in numbers)
        at = draw(st.integers(0, min(len(waiting) - 1, PATIENCE))) if late < PATIENCE else 0
        numbers.append(waiting.pop(at))
    return numbers


def through(numbers: list[int], patience: int = PATIENCE) -> tuple[list[int], Reorder[int]]:
    order = Reorder[int](patience)
    ready = [each for number in numbers for each in order.put(number, number)]
    return ready + order.rest(), order


@given(nearly_in_order())
def test_any_order_within_the_window_comes_out_straight(numbers: list[int]) -> None:
    ready, order = through(numbers)
    assert ready == sorted(numbers)
    assert (order.lost, order.late) == (0, 0)


@given(nearly_in_order(), st.data())
def test_what_comes_twice_is_heard_once(numbers: list[int], data: st.DataObject) -> None:
    again = [n for n in numbers for _ in range(data.draw(st.integers(1, 3)))]
    ready, _ = through(again)
    assert ready == sorted(numbers)


@given(st.lists(st.integers(0, 200), max_size=100), st.integers(0, 8))
def test_nothing_is_ever_heard_twice_or_backwards(numbers: list[int], patience: int) -> None:
    ready, order = through(numbers, patience)
    assert all(before < after for before, after in pairwise(ready))
    assert len(ready) + order.late == len(numbers)


@given(st.integers(2, 60), st.data())
def test_a_hole_is_waited_for_only_so_long(count: int, data: st.DataObject) -> None:
    missing = data.draw(st.integers(1, count))
    there = [number for number in range(1, count + 1) if number != missing]
    order, ready = Reorder[int](PATIENCE), list[int]()
    for came, number in enumerate(there, start=1):
        ready += order.put(number, number)
        assert came - len(ready) <= PATIENCE
    assert ready + order.rest() == there
    assert order.lost == (0 if missing == count else 1)


@given(st.integers(1, 10**12))
def test_a_count_may_begin_anywhere(first: int) -> None:
    numbers = list(range(first, first + 30))
    ready, order = through(numbers)
    assert (ready, order.late) == (numbers, 0)


@given(st.integers(RESTART + 1, 10**6))
def test_a_count_that_begins_anew_is_followed(far: int) -> None:
    order = Reorder[str]()
    before = [each for number in range(far, far + 3) for each in order.put(number, "before")]
    after = [each for number in range(1, 4) for each in order.put(number, "after")]
    assert before + after + order.rest() == ["before"] * 3 + ["after"] * 3
