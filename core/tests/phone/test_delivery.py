"""The application's functions: whatever they do, who calls them goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from patter.phone.delivery import CLEANUP_S, LIMIT_S, WAITING, Delivery, called

pytestmark = pytest.mark.virtual_time


def exits(data: Any) -> None:
    raise SystemExit(3)


async def interrupts(data: Any) -> None:
    raise KeyboardInterrupt


async def cancels_itself(data: Any) -> None:
    raise asyncio.CancelledError


async def is_no_exception(data: Any) -> None:
    class Strange(BaseException):
        pass

    raise Strange


async def never_returns(data: Any) -> None:
    await asyncio.Event().wait()


async def clings(data: Any) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize(
    "callback", [exits, interrupts, cancels_itself, is_no_exception, never_returns, clings]
)
async def test_nothing_a_callback_does_is_more_than_a_line_in_the_log(
    callback: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with caplog.at_level(logging.ERROR):
        assert await called("on_transcript", callback, "c1", {}) is None
    assert "call c1: on_transcript failed" in caplog.text
    assert loop.time() - began <= LIMIT_S + CLEANUP_S
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()


async def test_one_that_is_late_by_two_seconds_is_waited_for() -> None:
    async def late(data: Any) -> str:
        await asyncio.sleep(2)
        return "here"

    assert await called("on_call_start", late, "c1", {}) == "here"


async def test_one_that_is_cut_may_tidy_up_first() -> None:
    done = []

    async def tidies_up(data: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(CLEANUP_S / 2)
            done.append(True)

    await called("on_call_end", tidies_up, "c1", {})
    assert done == [True]


async def test_who_is_cancelled_while_a_callback_clings_is_cancelled() -> None:
    task = asyncio.ensure_future(called("on_metrics", clings, "c1", {}))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait({task}, timeout=2 * CLEANUP_S)
    assert task.cancelled()


async def test_news_come_in_order_and_the_oldest_go_when_a_callback_cannot_keep_up() -> None:
    delivery, seen = Delivery("c1"), list[int]()
    for number in range(WAITING + 5):
        delivery.put("on_transcript", seen.append, lambda number=number: number)  # type: ignore[misc]
    delivery.finish()
    await delivery.run()
    assert seen == list(range(5, WAITING + 5))
