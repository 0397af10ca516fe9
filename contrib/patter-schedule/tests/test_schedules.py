"""Calls at a time: they come when they must, and one that fails does not take the next with it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from patter_schedule import schedule_cron, schedule_interval, schedule_once, shutdown


@pytest.fixture(autouse=True)
async def _over() -> Any:
    yield
    shutdown()


async def test_an_interval_goes_on_after_a_failure_until_it_is_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times: list[int] = []

    async def call() -> None:
        times.append(len(times))
        raise SystemExit if len(times) == 1 else RuntimeError("busy")

    handle = schedule_interval(0.05, call)
    assert handle.pending
    async with asyncio.timeout(10):
        while len(times) < 3:
            await asyncio.sleep(0.01)
    handle.cancel()
    handle.cancel()
    count = len(times)
    await asyncio.sleep(0.2)
    assert (len(times), handle.pending) == (count, False)
    assert caplog.text.count("a schedule failed") >= 2


async def test_once_is_once_and_a_plain_function_does_not_block_the_loop() -> None:
    ran = asyncio.Event()
    loop = asyncio.get_running_loop()

    def call() -> None:
        loop.call_soon_threadsafe(ran.set)

    handle = schedule_once(datetime.now() + timedelta(seconds=0.1), call)
    async with asyncio.timeout(10):
        await ran.wait()
    await asyncio.sleep(0.05)
    assert not handle.pending


async def test_one_that_still_runs_is_not_run_again() -> None:
    running: list[int] = []

    async def call() -> None:
        running.append(1)
        await asyncio.sleep(30)

    schedule_interval(0.03, call)
    await asyncio.sleep(0.3)
    assert running == [1]


async def test_cron_is_read_as_cron_reads_it() -> None:
    handle = schedule_cron("30 9 * * mon-fri", lambda: None, timezone="Europe/Berlin")
    at = handle._job.next_run_time
    assert (at.hour, at.minute) == (9, 30)
    assert at.weekday() < 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: schedule_cron("every day", lambda: None), "not a valid cron expression"),
        (lambda: schedule_cron("99 * * * *", lambda: None), "not a valid cron expression"),
        (lambda: schedule_cron("0 9 * * *", lambda: None, timezone="Nowhere"), "not a valid cron"),
        (lambda: schedule_once(datetime(2020, 1, 1), lambda: None), "is over"),
        (lambda: schedule_interval(0, lambda: None), "not a valid interval"),
        (lambda: schedule_interval(1, None), "not a function"),  # type: ignore[arg-type]
    ],
)
async def test_what_cannot_be_scheduled_is_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_without_a_loop_there_is_no_schedule() -> None:
    with pytest.raises(ValueError, match="running event loop"):
        schedule_interval(1, lambda: None)


async def test_a_shut_down_loop_can_schedule_again() -> None:
    old = schedule_interval(60, lambda: None)
    shutdown()
    assert not old.pending
    assert schedule_interval(60, lambda: None).pending
