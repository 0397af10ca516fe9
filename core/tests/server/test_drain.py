"""Draining: calls end by themselves while there is time, and are cut when there is none."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.aio import task_scope
from patter.call.turn.events import DrainRequested as DrainCue
from patter.errors import RateLimitError
from patter.providers.carrier import Incoming
from patter.server.drain import Drain, Stopping, until_stopped

from .house import House, Leg


@given(st.integers(0, 10**6))
def test_the_goodbye_fits_into_any_drain(drain_ms: int) -> None:
    assert 0 <= Drain(drain_ms=drain_ms).goodbye_ms <= drain_ms


def test_a_goodbye_longer_than_the_drain_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 ms in all"):
        Drain(drain_ms=1_000, goodbye_ms=2_000)


@pytest.mark.virtual_time
async def test_who_says_goodbye_in_time_is_not_cut(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        draining = tasks.create_task(Drain(drain_ms=30_000, goodbye_ms=8_000).run(board))
        await asyncio.sleep(0)
        assert session.events == [DrainCue(1_000, 1_000 + 22_000)]
        with pytest.raises(RateLimitError):
            await board.register(Incoming(carrier="tin", carrier_call_id="late"))
        await asyncio.sleep(25)
        session.over.set()
        assert await draining is True

    assert asyncio.get_running_loop().time() == pytest.approx(25, abs=0.1)
    assert house.outcomes == ["completed"]


@pytest.mark.virtual_time
async def test_who_does_not_is_cut_at_the_deadline(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        await house.answered(board, tasks, "deaf")
        _, polite, _ = await house.answered(board, tasks, "polite")
        draining = tasks.create_task(Drain(drain_ms=30_000).run(board))
        await asyncio.sleep(10)
        polite.over.set()
        assert await draining is False

    assert asyncio.get_running_loop().time() == pytest.approx(30, abs=0.1)
    assert house.outcomes == ["completed", "failed"]


@pytest.mark.virtual_time
async def test_an_idle_server_drains_at_once(house: House) -> None:
    async with house.switchboard().running() as board:
        assert await Drain().run(board) is True

    assert asyncio.get_running_loop().time() == 0


@pytest.mark.virtual_time
@pytest.mark.parametrize(("wishes", "lasts"), [(1, 30), (2, 5)])
async def test_the_second_request_to_stop_is_granted_at_once(
    house: House, wishes: int, lasts: int
) -> None:
    stopping = Stopping()
    async with house.switchboard().running() as board, task_scope() as tasks:
        await house.answered(board, tasks)
        stopped = tasks.create_task(until_stopped(stopping, Drain(drain_ms=30_000), board))
        stopping.ask()
        await asyncio.sleep(5)
        for _ in range(wishes - 1):
            stopping.ask()
        assert await stopped is False

    assert asyncio.get_running_loop().time() == pytest.approx(lasts, abs=0.1)
    assert len(house.ended) == 1


async def test_stopping_ends_every_call_and_tells_of_each_once(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        sockets = [(await house.answered(board, tasks, str(n)))[2] for n in range(3)]
        await board.register(Incoming(carrier="tin", carrier_call_id="CA1"))
        board.stop()
        for session in house.sessions.values():
            session.lost.set()
        await asyncio.gather(*sockets)
        await board.idle()
    assert len(house.ended) == len({entry.call_id for entry in house.ended}) == 4
    assert set(house.reasons) == {"the server stopped"}


async def test_who_goes_away_takes_no_calls_and_tells_those_there_are(house: House) -> None:
    async with house.switchboard().running() as board, task_scope() as tasks:
        _, session, _ = await house.answered(board, tasks)
        late = await board.register(Incoming(carrier="tin", carrier_call_id="CA2"))
        board.drain(5_000)
        with pytest.raises(RateLimitError, match="draining"):
            await board.register(Incoming(carrier="tin", carrier_call_id="CA3"))
        tasks.create_task(board.attach(late.token, Leg()))
        while len(house.sessions) < 2:
            await asyncio.sleep(0)
        for each in house.sessions.values():
            (drain,) = each.events
            assert isinstance(drain, DrainCue)
            assert 5_900 <= drain.by_ms <= 6_000
            each.over.set()
        await board.idle()
    assert session.events
