"""A call's price may be reported before or after it is asked for, or never."""

from __future__ import annotations

import asyncio

import pytest

from patter.carriers import bounded_dict
from patter.carriers.call_prices import CallPrices


async def test_a_price_may_come_before_it_is_asked_for_and_stays() -> None:
    prices = CallPrices()
    prices.report("a", 0.5)
    assert await prices.wait("a", 0) == 0.5
    assert await prices.wait("a", 0) == 0.5


async def test_a_price_that_comes_later_reaches_everybody_who_waits() -> None:
    prices = CallPrices()
    async with asyncio.TaskGroup() as tasks:
        waiters = [tasks.create_task(prices.wait("b", 5)) for _ in range(2)]
        await asyncio.sleep(0)
        prices.report("c", 0.1)
        await asyncio.sleep(0)
        assert not any(waiter.done() for waiter in waiters)
        prices.report("b", 0.2)
    assert [waiter.result() for waiter in waiters] == [0.2, 0.2]


async def test_one_who_stops_waiting_takes_the_price_from_nobody() -> None:
    prices = CallPrices()
    async with asyncio.TaskGroup() as tasks:
        impatient = tasks.create_task(prices.wait("a", 5))
        patient = tasks.create_task(prices.wait("a", 5))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        prices.report("a", 0.3)
    assert patient.result() == 0.3


@pytest.mark.virtual_time
async def test_a_price_that_is_never_reported_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await CallPrices().wait("a", 1.5) is None
    assert loop.time() - start == pytest.approx(1.5)


@pytest.mark.virtual_time
async def test_a_carrier_that_cannot_say_is_not_waited_for() -> None:
    prices, loop = CallPrices(), asyncio.get_running_loop()
    start = loop.time()
    prices.report("a", None)
    prices.report("a", 0.7)
    assert await prices.wait("a", 5) is None, "the first report stands"
    assert loop.time() == start


async def test_only_the_last_prices_are_kept() -> None:
    prices = CallPrices()
    for number in range(bounded_dict.LIMIT + 5):
        prices.report(str(number), 1.0)
    assert await prices.wait("0", 0) is None
    assert await prices.wait(str(bounded_dict.LIMIT), 0) == 1.0
