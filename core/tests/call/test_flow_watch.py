"""Lines share a timer, and each is heard as silent exactly when it would be with its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from patter.call.audio_in import LATE_FRAME_MS, STEP_MS, QuietLine
from patter.clock import CallClock, Clock, LoopClock, flow_watch
from patter_testing.clock import VirtualClock, run_virtual

FRAME_MS, LINES = 20.0, 8
GAP_MS = LATE_FRAME_MS + FRAME_MS


@attrs.define(eq=False)
class Heard:
    """A line, and what silence was put into it when."""

    line: QuietLine = attrs.field(init=False)
    put: list[tuple[float, float]] = attrs.field(factory=list)

    @classmethod
    def on(cls, clock: Clock) -> Heard:
        heard, own = cls(), CallClock.start(clock)
        heard.line = QuietLine(own, lambda ms: heard.put.append((own.ms(), ms)))
        return heard

    async def bring(self, frames: int, first_ms: float = 0.0) -> None:
        await asyncio.sleep(first_ms / 1_000)
        for _ in range(frames):
            self.line.arrived(FRAME_MS, self.line.clock.ms())
            await asyncio.sleep(FRAME_MS / 1_000)


async def lived(make: Callable[[], Clock]) -> list[list[tuple[float, float]]]:
    """What lines hear that begin and stop at different times, one of them twice."""
    lines = [Heard.on(make()) for _ in range(LINES)]
    async with asyncio.TaskGroup() as tasks:
        for place, each in enumerate(lines):
            tasks.create_task(each.bring(20 + 7 * place, 13.0 * place))
    await asyncio.sleep(0.3)
    await lines[0].bring(10)
    await asyncio.sleep(0.5)
    for each in lines:
        each.line.stop()
    return [[(round(at, 3), round(ms, 3)) for at, ms in each.put] for each in lines]


def test_a_shared_timer_hears_what_timers_of_their_own_hear() -> None:
    shared = run_virtual(lived(LoopClock))
    assert shared == run_virtual(lived(VirtualClock))
    assert all(each[0][1] == pytest.approx(GAP_MS, abs=0.1) for each in shared)
    assert all(each[1][1] == pytest.approx(STEP_MS, abs=0.1) for each in shared)


def test_lines_that_flow_are_looked_at_together_and_seldom() -> None:
    assert run_virtual(looks_at_flowing_lines()) <= 15


async def looks_at_flowing_lines() -> int:
    loop, looks = asyncio.get_running_loop(), 0
    lines = [Heard.on(LoopClock()) for _ in range(LINES)]
    armed = loop.call_at

    def counted(*args: object, **more: object) -> asyncio.TimerHandle:
        nonlocal looks
        looks += getattr(args[1], "__name__", "") == "_look"
        return armed(*args, **more)  # type: ignore[arg-type]

    loop.call_at = counted  # type: ignore[method-assign]
    try:
        async with asyncio.TaskGroup() as tasks:
            for place, each in enumerate(lines):
                tasks.create_task(each.bring(50, 2.0 * place))
    finally:
        loop.call_at = armed  # type: ignore[method-assign]
    assert not any(each.put for each in lines)
    for each in lines:
        each.line.stop()
    return looks


def test_nothing_is_left_of_a_line_that_stopped() -> None:
    run_virtual(stops_and_begins())


async def stops_and_begins() -> None:
    heard = Heard.on(LoopClock())
    await heard.bring(3)
    heard.line.stop()
    heard.line.stop()
    assert flow_watch()._lines == {}
    assert flow_watch()._timer is None
    await asyncio.sleep(1)
    assert heard.put == []
    await heard.bring(1)
    await asyncio.sleep(0.1)
    assert heard.put
    heard.line.stop()
