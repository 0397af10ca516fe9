"""Virtual time passes without waiting, in order, twice the same way."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.clock import LoopClock
from patter.errors import InternalError, PatterConfigError, PatterTimeoutError
from patter_testing import VirtualClock, run_virtual

delays = st.lists(st.integers(0, 2_000_000), max_size=20)


@given(delays)
def test_timers_fire_at_their_time_and_in_order(ms: list[int]) -> None:
    async def main() -> list[tuple[float, int]]:
        clock = VirtualClock()
        fired: list[tuple[float, int]] = []
        for each in ms:
            clock.at(each, partial(lambda due: fired.append((clock.ms(), due)), each))
        await clock.sleep(3_000_000)
        return fired

    fired = run_virtual(main())
    assert [each for _, each in fired] == sorted(ms)
    assert all(at == pytest.approx(due, abs=1e-3) for at, due in fired)


def test_half_an_hour_takes_no_time() -> None:
    async def main() -> int:
        frames = 0
        while LoopClock().ms() < 30 * 60_000:
            await asyncio.sleep(0.02)
            frames += 1
        return frames

    begun = time.perf_counter()
    assert run_virtual(main()) in (90_000, 90_001)
    assert time.perf_counter() - begun < 30


def test_the_date_moves_with_the_loop() -> None:
    async def main() -> tuple[float, float]:
        await asyncio.sleep(90)
        return VirtualClock().wall(), VirtualClock().ms()

    assert run_virtual(main(), start_wall=1_000.0) == (1_090.0, 90_000.0)


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[str, float]:
        async with asyncio.timeout(0.01):
            said = await asyncio.to_thread(lambda: threading.Event().wait(0.1) or "done")
        return str(said), asyncio.get_running_loop().time()

    assert run_virtual(main()) == ("done", 0.0)


def test_a_deadlock_is_named() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.Event().wait(), name="the-one-who-waits")

    with pytest.raises(InternalError, match="the-one-who-waits"):
        run_virtual(main())


def test_an_endless_loop_is_stopped() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(PatterTimeoutError, match="real seconds"):
        run_virtual(main(), patience_s=0.2)


def test_a_socket_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="network does not run on virtual time"):
        run_virtual(asyncio.open_connection("127.0.0.1", 9))


def test_a_failure_comes_out_as_itself() -> None:
    async def main() -> None:
        await asyncio.sleep(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_virtual(main())
