"""A scope that one task holds and another uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from patter.aio import task_scope
from patter.call.held_scope import HeldScope
from patter.errors import PatterConnectionError

pytestmark = pytest.mark.virtual_time


class Door:
    """Counts who opened and closed it, and in which task."""

    def __init__(
        self, *, opens_s: float = 0.0, breaks_s: float | None = None, closes_s: float = 0.0
    ) -> None:
        self.opens_s, self.breaks_s, self.closes_s = opens_s, breaks_s, closes_s
        self.opened: list[object] = []
        self.closed: list[object] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        await asyncio.sleep(self.opens_s)
        async with task_scope() as tasks:
            if self.breaks_s is not None:
                tasks.create_task(self._break(self.breaks_s))
            self.opened.append(asyncio.current_task())
            try:
                yield "open"
            finally:
                await asyncio.sleep(self.closes_s)
                self.closed.append(asyncio.current_task())

    async def _break(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        raise PatterConnectionError("it broke", fix="open another")


def loop_s() -> float:
    """The virtual time, which begins at zero with each test."""
    return asyncio.get_running_loop().time()


async def test_it_is_opened_and_closed_by_its_own_task_and_used_by_another() -> None:
    door = Door()
    held = HeldScope(door.open, 10)
    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(held.run())
        await asyncio.sleep(1)
        assert held.usable
        async with held as session:
            assert session == "open"
            assert not held.usable
            await asyncio.sleep(100)
            assert not door.closed
    assert door.opened == door.closed == [owner]


async def test_who_comes_early_waits_until_it_is_open() -> None:
    held = HeldScope(Door(opens_s=2).open, 10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        async with held:
            assert loop_s() == pytest.approx(2, abs=0.01)


async def test_what_nobody_comes_for_is_closed() -> None:
    door = Door()
    held = HeldScope(door.open, 10)
    await asyncio.wait_for(held.run(), 11)
    assert door.closed
    assert not held.usable
    with pytest.raises(PatterConnectionError):
        async with held:
            pass


async def test_what_is_released_before_it_began_is_not_opened() -> None:
    door = Door()
    held = HeldScope(door.open, 10)
    held.release()
    await held.run()
    assert not door.opened


async def test_what_is_released_while_it_opens_is_given_up() -> None:
    held = HeldScope(Door(opens_s=60).open, 10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        await asyncio.sleep(1)
        held.release()
    assert loop_s() == pytest.approx(1, abs=0.01)


async def test_what_does_not_open_is_given_up() -> None:
    held = HeldScope(Door(opens_s=60).open, 10)
    await held.run()
    assert loop_s() == pytest.approx(10, abs=0.01)
    assert not held.usable


async def test_what_does_not_close_is_left() -> None:
    held = HeldScope(Door(closes_s=60).open, 10, close_s=3)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        await asyncio.sleep(1)
        held.release()
    assert loop_s() == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("breaks_s", [1.5, 5.0])
async def test_its_failure_is_raised_where_it_is_used(breaks_s: float) -> None:
    held = HeldScope(Door(breaks_s=breaks_s).open, 10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        await asyncio.sleep(1)
        with pytest.raises(PatterConnectionError, match="it broke"):
            async with held:
                await asyncio.sleep(60)
        assert loop_s() == pytest.approx(breaks_s, abs=0.01)
    task = asyncio.current_task()
    assert task is not None and not task.cancelling(), "the user goes on uncancelled"


async def test_it_is_refused_as_its_provider_refuses() -> None:
    @asynccontextmanager
    async def refusing() -> AsyncIterator[str]:
        raise PatterConnectionError("no", fix="no")
        yield ""

    held = HeldScope(refusing, 10)
    await held.run()
    with pytest.raises(PatterConnectionError, match="no"):
        async with held:
            pass


async def test_what_the_user_raises_comes_out_bare() -> None:
    held = HeldScope(Door().open, 10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        with pytest.raises(ZeroDivisionError):
            async with held:
                raise ZeroDivisionError


@pytest.mark.parametrize("opens_s", [0.0, 60.0], ids=["open", "opening"])
async def test_a_cancelled_user_is_cancelled_and_holds_nothing_back(opens_s: float) -> None:
    held = HeldScope(Door(opens_s=opens_s).open, 100)

    async def use() -> None:
        async with held:
            await asyncio.sleep(60)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(held.run())
        user = tasks.create_task(use())
        await asyncio.sleep(1)
        user.cancel()
        await asyncio.wait({user})
        assert user.cancelled()
    assert loop_s() == pytest.approx(1, abs=0.01)
    assert not held.usable
