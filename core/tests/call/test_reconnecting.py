"""When a call connects to a provider again: later each time, and never in step with others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.link import LinkRules, ReconnectPolicy
from patter.clock import CallClock
from patter.errors import PatterConnectionError
from patter.observe.call_events import CallEvents
from patter_testing import run_virtual

LOST = PatterConnectionError("parrot hung up", fix="wait")
RULES = LinkRules(retries=6, backoff_ms=100, backoff_max_ms=800)


@attrs.define
class SleepNoting:
    """A clock on which no time passes; it notes how long it was asked to sleep."""

    slept_ms: list[float] = attrs.field(factory=list)

    def ms(self) -> float:
        return 0.0

    async def sleep(self, ms: float) -> None:
        self.slept_ms.append(ms)


async def waits(call_id: str) -> list[float]:
    """How long the call waits before each attempt, until its budget is spent."""
    clock: Any = SleepNoting()
    events = CallEvents(call_id, lambda: 0)
    policy = ReconnectPolicy("stt", "parrot", clock, events, RULES, Random(f"{call_id}/stt"))
    while await policy.retry(LOST):
        pass
    slept: list[float] = clock.slept_ms
    return slept


@given(st.text())
def test_each_wait_is_half_of_the_doubled_one_or_more_and_bounded(call_id: str) -> None:
    slept = run_virtual(waits(call_id))
    doubled = [100, 200, 400, 800, 800, 800]
    assert len(slept) == RULES.retries
    assert all(whole / 2 <= wait <= whole for wait, whole in zip(slept, doubled, strict=True))


def test_calls_that_lose_one_vendor_do_not_come_back_in_step() -> None:
    calls = [run_virtual(waits(f"call-{number}")) for number in range(150)]
    for attempt in range(RULES.retries):
        moments = sorted(sum(slept[: attempt + 1]) for slept in calls)
        spread = moments[-1] - moments[0]
        busiest = max(sum(at <= other < at + spread / 10 for other in moments) for at in moments)
        assert busiest < 60, "a tenth of the time would see far more than a tenth of the calls"


def test_a_call_that_is_replayed_waits_the_same() -> None:
    assert run_virtual(waits("c1")) == run_virtual(waits("c1"))


async def test_a_connection_that_is_lost_as_its_task_is_cancelled_is_not_opened_again() -> None:
    clock: Any = SleepNoting()
    policy = ReconnectPolicy("stt", "parrot", clock, CallEvents("c1", lambda: 0), RULES)

    async def lose() -> None:
        with suppress(asyncio.CancelledError):  # as a task group does that ends its tasks
            await asyncio.Event().wait()
        await policy.retry(LOST)

    task = asyncio.create_task(lose())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not clock.slept_ms


async def test_the_clock_of_a_call_begins_at_nought_and_counts_whole_milliseconds() -> None:
    clock: Any = SleepNoting()
    call = CallClock(clock, zero_ms=-499.9999)
    assert (call.now_ms(), round(call.ms(), 4)) == (500, 499.9999)
    assert CallClock.start(clock).now_ms() == 0
