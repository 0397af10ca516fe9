"""A line that brings nothing is heard as silence: soon, in real time, not for ever, and cheaply."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from patter.call.audio_in import ENOUGH_MS, LATE_FRAME_MS, STEP_MS, QuietLine

GAP_MS = LATE_FRAME_MS + 20


@attrs.define
class _Armed:
    calls: list[tuple[float, int, Callable[[], object]]]
    entry: tuple[float, int, Callable[[], object]]

    def cancel(self) -> None:
        if self.entry in self.calls:
            self.calls.remove(self.entry)


@attrs.define
class HandClock:
    """A clock that is moved by hand; its timers may be called late."""

    now: float = 0.0
    armed: int = 0
    calls: list[tuple[float, int, Callable[[], object]]] = attrs.field(factory=list)

    def ms(self) -> float:
        return self.now

    def at(self, at_ms: float, callback: Callable[[], object]) -> _Armed:
        self.armed += 1
        entry = (at_ms, self.armed, callback)
        heapq.heappush(self.calls, entry)
        return _Armed(self.calls, entry)

    def until(self, now: float) -> None:
        """Let time pass, timers on time."""
        while self.calls and self.calls[0][0] <= now:
            self.now, _, callback = heapq.heappop(self.calls)
            callback()
        self.now = now

    def stall_until(self, now: float) -> None:
        """Nothing runs until *now*; what was due meanwhile is called then, once."""
        self.now = now
        if self.calls and self.calls[0][0] <= now:
            heapq.heappop(self.calls)[2]()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def put() -> list[float]:
    return []


@pytest.fixture
def line(clock: Any, put: list[float]) -> QuietLine:
    line = QuietLine(clock, put.append)
    line.arrived(20.0, 0.0)
    return line


def bring(line: QuietLine, clock: HandClock, until: float, each_ms: float = 20.0) -> None:
    while clock.now < until:
        clock.until(clock.now + each_ms)
        line.arrived(each_ms, clock.now)


def test_frames_in_time_bring_no_silence_and_few_timers(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    bring(line, clock, 10_000)
    assert not put
    assert clock.armed <= 10_000 / (GAP_MS - 20) + 1


def test_silence_is_as_long_as_the_time_it_stands_for(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    bring(line, clock, 1_000)
    clock.until(1_000 + GAP_MS)
    assert put == [GAP_MS]
    clock.until(1_000 + GAP_MS + 5 * STEP_MS)
    assert sum(put) == pytest.approx(GAP_MS + 5 * STEP_MS)
    clock.until(2_500)
    assert 1_300 <= sum(put) <= 1_500


def test_enough_is_enough_and_the_call_sleeps(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    clock.until(60_000)
    assert sum(put) == pytest.approx(ENOUGH_MS, abs=200)
    assert not clock.calls


def test_after_sleep_the_next_frame_starts_the_watch_again(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    clock.until(60_000)
    slept = sum(put)
    bring(line, clock, 61_000)
    assert sum(put) == slept
    clock.until(62_000)
    assert sum(put) - slept == pytest.approx(1_000, abs=200)


def test_a_loop_that_stood_still_proves_nothing_about_the_line(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    bring(line, clock, 1_000)
    clock.stall_until(4_000)
    assert not put
    line.arrived(20.0, clock.now)
    bring(line, clock, 5_000)
    assert not put
    clock.until(5_000 + GAP_MS)
    assert put == [GAP_MS]


def test_who_stops_it_from_within_is_obeyed(clock: Any) -> None:
    line: QuietLine

    def put(ms: float) -> None:
        line.stop()

    line = QuietLine(clock, put)
    line.arrived(20.0, 0.0)
    clock.until(10_000)
    assert not clock.calls
    assert clock.armed == 1


@pytest.mark.parametrize("each_ms", [10.0, 60.0, 100.0, 200.0])
def test_a_line_of_longer_frames_is_not_quiet_between_them(
    line: QuietLine, clock: HandClock, put: list[float], each_ms: float
) -> None:
    line.arrived(each_ms, 0.0)
    bring(line, clock, 5_000, each_ms)
    assert not put
    clock.until(clock.now + each_ms + LATE_FRAME_MS)
    assert put == [each_ms + LATE_FRAME_MS]


def test_a_whole_sentence_in_one_frame_is_not_waited_for_again(
    line: QuietLine, clock: HandClock, put: list[float]
) -> None:
    line.arrived(3_000.0, 0.0)
    clock.until(500)
    assert put
