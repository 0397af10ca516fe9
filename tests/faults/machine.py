"""What befalls the machine on a bad day: its clock is set, its disk is full for a while.

And the signals that end such a day.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from random import Random
from types import SimpleNamespace
from typing import Final

from patter import clock
from patter.aio import task_scope

CALM_S, FULL_S = (0.4, 1.2), (0.1, 0.4)
SET_S = 20.0
"""By so much a clock is set at most: more than that, and carriers' signatures are too old."""

STOPS: Final[Mapping[str, signal.Signals | None]] = {
    "twilio": signal.SIGTERM,
    "telnyx": signal.SIGHUP,
    "plivo": None,
}
"""What ends the day at each carrier; None: the program does."""


@asynccontextmanager
async def befallen(random: Random) -> AsyncIterator[Counter[str]]:
    """Trouble while inside; what there was of it."""
    dealt = Counter[str]()
    with _settable() as ahead, _room():
        async with task_scope() as tasks:
            trouble = tasks.create_task(_trouble(random, dealt, ahead))
            try:
                yield dealt
            finally:
                trouble.cancel()


async def _trouble(random: Random, dealt: Counter[str], ahead: list[float]) -> None:
    while True:
        await asyncio.sleep(random.uniform(*CALM_S))
        ahead[0] = random.uniform(-SET_S, SET_S)
        dealt["clock set"] += 1
        await asyncio.sleep(random.uniform(*CALM_S))
        with _full():
            dealt["disk full"] += 1
            await asyncio.sleep(random.uniform(*FULL_S))


@contextmanager
def _settable() -> Iterator[list[float]]:
    """The date of the product and of its doubles; the seconds that it is ahead may be set."""
    ahead, right = [0.0], vars(clock)["time"]
    setting = SimpleNamespace(time=lambda: time.time() + ahead[0], monotonic=time.monotonic)
    vars(clock)["time"] = setting
    try:
        yield ahead
    finally:
        vars(clock)["time"] = right


@contextmanager
def _room() -> Iterator[None]:
    """A process that no file may kill, and that has room again afterwards."""
    deadly = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGXFSZ, deadly)


@contextmanager
def _full() -> Iterator[None]:
    """No file may grow: the system writes one byte of a new one, and then refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
