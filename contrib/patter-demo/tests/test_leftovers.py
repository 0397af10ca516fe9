"""What is left is named; what was there before, or has gone, is not."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from patter.clock import LoopClock
from patter_demo.leftovers import left, look, settled

listed = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="this system does not list open descriptors"
)


async def test_nothing_is_left_of_nothing() -> None:
    assert left(look(), look()) == []


@listed
async def test_an_open_socket_and_an_open_file_are_left(tmp_path: Path) -> None:
    before = look()
    with socket.socket(), (tmp_path / "call.wav").open("w"):
        assert left(before, look()) == [f"1 {tmp_path / 'call.wav'}", "1 socket"]
    assert left(before, look()) == []


@listed
async def test_as_many_sockets_as_before_are_no_leftover() -> None:
    old = socket.socket()
    before = look()
    with socket.socket():
        old.close()
        assert left(before, look()) == []


async def test_a_task_that_runs_on_is_left_by_name() -> None:
    before, done = look(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(done.wait(), name="forgotten")
        assert left(before, look()) == ["task forgotten"]
        done.set()


async def test_what_closes_soon_is_not_left() -> None:
    before = look()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.sleep(0.1))
        assert await settled(before, LoopClock()) == []


@pytest.mark.virtual_time
async def test_what_stays_open_is_told_in_the_end() -> None:
    before, done = look(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(done.wait(), name="forgotten")
        assert await settled(before, LoopClock()) == ["task forgotten"]
        done.set()
