"""Waiting without a timer where nothing has to be waited for; a queue whose reader is called."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from patter.aio import Mailbox, OutOfTime, in_time, task_scope

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


async def after(ms: float, result: object = "done") -> object:
    await asyncio.sleep(ms / 1_000)
    if isinstance(result, BaseException):
        raise result
    return result


async def at_once(result: object = "done") -> object:
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The limits that are made."""
    made: list[object] = []
    timeout = asyncio.timeout

    def watched(delay: float | None) -> asyncio.Timeout:
        made.append(delay)
        return timeout(delay)

    monkeypatch.setattr(asyncio, "timeout", watched)
    return made


@pytest.mark.virtual_time
async def test_what_does_not_wait_needs_no_timer(timers: list[object]) -> None:
    assert await in_time(at_once(), 1) == "done"
    with pytest.raises(KeyError):
        await in_time(at_once(KeyError()), 1)
    assert timers == []
    assert await in_time(after(10), 1) == "done"
    assert timers == [1]


@pytest.mark.virtual_time
async def test_what_waits_is_bounded_and_ended() -> None:
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    with pytest.raises(OutOfTime):
        await in_time(forever(), 0.5)
    assert ended.is_set()
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)


@pytest.mark.virtual_time
@pytest.mark.parametrize("failure", [KeyError(), TimeoutError("its own"), StopAsyncIteration()])
async def test_its_own_failures_pass(failure: Exception) -> None:
    for work in (at_once(failure), after(10, failure)):
        with pytest.raises(type(failure)) as caught:
            await in_time(work, 1)
        assert caught.value is failure


@pytest.mark.virtual_time
async def test_a_cancelled_wait_cancels_what_it_waits_for() -> None:
    seen: list[BaseException] = []

    async def work() -> None:
        try:
            await after(1_000)
        except asyncio.CancelledError as cancelled:
            seen.append(cancelled)
            raise

    task = asyncio.get_running_loop().create_task(in_time(work(), 5))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(seen) == 1


@pytest.mark.virtual_time
async def test_it_may_wait_often_and_swallow_what_is_thrown() -> None:
    async def stubborn() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
            await after(10)
        try:
            await after(10_000)
        except asyncio.CancelledError:
            return "kept"
        return "never"

    task = asyncio.get_running_loop().create_task(in_time(stubborn(), 60))
    await asyncio.sleep(0.1)
    task.cancel()
    assert await task == "kept"


async def test_a_wait_that_is_abandoned_closes_what_it_waits_for() -> None:
    closed: list[str] = []

    class Work:
        def __await__(self) -> Generator[Any, Any, None]:
            try:
                yield
            finally:
                closed.append("closed")

    waiting = in_time(Work(), 1)
    waiting.send(None)
    waiting.close()
    assert closed == ["closed"]


async def numbers() -> AsyncGenerator[int, None]:
    yield 1
    await asyncio.sleep(0)
    yield 2


async def test_the_next_of_an_iteration_is_awaited_like_anything_else() -> None:
    source = numbers()
    got = [await in_time(anext(source, None), 1) for _ in range(3)]
    assert got == [1, 2, None]


async def test_a_receiver_is_called_as_soon_as_something_is_put() -> None:
    box, got = Mailbox[int](10), list[int]()
    box.put(1)
    async with task_scope() as tasks:
        delivering = tasks.create_task(box.deliver(got.append))
        await asyncio.sleep(0)
        assert got == [1]
        box.put(2)
        assert got == [1, 2]
        box.close()
    assert delivering.done() and not box.put(3)


async def test_what_a_receiver_raises_is_raised_to_who_delivers_and_the_rest_waits() -> None:
    box, got = Mailbox[int](10), list[int]()

    def receive(item: int) -> None:
        got.append(item)
        if item == 2:
            raise KeyError(item)

    async with task_scope() as tasks:
        delivering = tasks.create_task(_caught(box, receive))
        await asyncio.sleep(0)
        for item in (1, 2, 3):
            assert box.put(item)
    assert isinstance(delivering.result(), KeyError)
    assert got == [1, 2] and box.items() == (3,)


async def _caught(box: Mailbox[int], receive: Any) -> Exception | None:
    try:
        await box.deliver(receive)
    except KeyError as raised:
        return raised
    return None


async def test_a_receiver_runs_in_the_context_of_who_delivers() -> None:
    box, seen = Mailbox[int](10), list[str]()

    async def deliver() -> None:
        WHO.set("the call")
        await box.deliver(lambda _: seen.append(WHO.get()))

    async with task_scope() as tasks:
        tasks.create_task(deliver())
        await asyncio.sleep(0)
        box.put(1)
        box.close()
    assert seen == ["the call"]
    assert WHO.get() == "nobody"


async def test_after_a_cancelled_delivery_the_box_keeps_what_comes() -> None:
    box, got = Mailbox[int](10), list[int]()
    task = asyncio.get_running_loop().create_task(box.deliver(got.append))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    box.put(1)
    assert got == [] and box.items() == (1,)
