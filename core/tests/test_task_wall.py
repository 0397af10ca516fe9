"""What would end the process ends one task."""

from __future__ import annotations

import asyncio
import sys
import traceback

import pytest

from patter.errors import InternalError
from patter.task_wall import walled_tasks


class Escape(BaseException):
    """Neither an error nor an exit."""


async def raises(what: BaseException, after_s: float = 0.0) -> None:
    await asyncio.sleep(after_s)
    raise what


@pytest.mark.parametrize("what", [SystemExit(3), KeyboardInterrupt(), Escape()])
@pytest.mark.parametrize("after_s", [0.0, 0.01])
async def test_what_would_end_the_process_ends_its_task(
    what: BaseException, after_s: float
) -> None:
    with walled_tasks():
        async with asyncio.TaskGroup() as tasks:
            other = tasks.create_task(asyncio.sleep(0.05, "lives"))
            task = asyncio.get_running_loop().create_task(raises(what, after_s))
            with pytest.raises(InternalError) as caught:
                await task
    assert caught.value.__cause__ is what
    assert other.result() == "lives"


async def test_an_exit_on_the_way_out_of_a_cancelled_task_ends_that_task() -> None:
    async def clings() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            sys.exit("bye")

    with walled_tasks():
        task = asyncio.get_running_loop().create_task(clings())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(InternalError, match="exit"):
            await task


async def test_results_errors_and_cancellations_pass() -> None:
    with walled_tasks():
        loop = asyncio.get_running_loop()
        assert await loop.create_task(asyncio.sleep(0, "yes"), name="n") == "yes"
        with pytest.raises(ValueError, match="no"):
            await loop.create_task(raises(ValueError("no")))
        early, late = loop.create_task(asyncio.sleep(9)), loop.create_task(asyncio.sleep(9))
        early.cancel()  # before its first step
        await asyncio.sleep(0)
        late.cancel()
        for task in (early, late):
            with pytest.raises(asyncio.CancelledError):
                await task
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await loop.create_task(asyncio.sleep(9))
    assert loop.get_task_factory() is None


async def test_a_task_still_shows_where_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    with walled_tasks():
        task = asyncio.get_running_loop().create_task(raises(ValueError(), 0.01))
        await asyncio.sleep(0)
        assert [frame.f_code.co_name for frame in task.get_stack()] == ["raises"]
        task.print_stack(file=sys.stdout)
        with pytest.raises(ValueError) as caught:
            await task
    assert "raises" in capsys.readouterr().out
    assert "raises" in "".join(traceback.format_exception(caught.value))


async def test_servers_of_one_loop_share_the_wall_and_the_last_takes_it_down() -> None:
    loop, first, second = asyncio.get_running_loop(), walled_tasks(), walled_tasks()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(InternalError):
        await loop.create_task(raises(SystemExit(3)))
    second.__exit__(None, None, None)
    assert loop.get_task_factory() is None
