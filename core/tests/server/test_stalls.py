"""Who blocks the loop is named by the line, and a loop that only waits is left alone."""

from __future__ import annotations

import asyncio
import json
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest

from patter.server import stalls
from patter.server.stalls import Stall, StallWatch, blame

PURELIB = sysconfig.get_path("purelib")


def lookup() -> None:
    """What an application should not do."""
    time.sleep(0.25)


LINE = lookup.__code__.co_firstlineno + 2


async def test_a_blocking_function_is_named_with_its_line_and_remedy() -> None:
    seen: list[Stall] = []
    reported = asyncio.Event()

    def note(stall: Stall) -> None:
        seen.append(stall)
        reported.set()

    async with StallWatch(50, note).running():
        await asyncio.sleep(0)
        lookup()
        await reported.wait()
    (stall,) = seen
    assert (stall.function, Path(stall.file), stall.line) == ("lookup", Path(__file__), LINE)
    assert 50 < stall.ms < 5_000
    error = stall.error()
    assert error.code == "INTERNAL"
    assert error.message == (
        f"your 'lookup' blocked the event loop {stall.ms} ms (test_stalls.py:{LINE})"
    )
    assert error.fix == "make it async, or a plain def, which runs in a thread"


async def test_a_loop_that_waits_is_not_blocked() -> None:
    stalls: list[Stall] = []
    async with StallWatch(20, stalls.append).running():
        await asyncio.sleep(0.15)
    assert stalls == []


async def test_no_thread_stays() -> None:
    async with StallWatch().running():
        assert "patter-stalls" in {thread.name for thread in threading.enumerate()}
    assert "patter-stalls" not in {thread.name for thread in threading.enumerate()}


async def test_the_application_is_blamed_before_the_library_it_called() -> None:
    frames = []

    def key(_: int) -> int:
        frames.append(sys._getframe())
        return 0

    def application() -> None:
        sorted([1], key=key)

    application()
    blamed = blame(frames[0])
    assert blamed is not None
    assert blamed[:2] == ("key", __file__)


async def test_a_stall_below_asyncio_s_own_code_is_blamed_on_who_called_it() -> None:
    frames = []

    class Here(asyncio.Queue[int]):
        def _put(self, item: int) -> None:
            frames.append(sys._getframe().f_back)

    def application() -> None:
        Here().put_nowait(1)

    asyncio.get_running_loop().call_soon(application)
    await asyncio.sleep(0)
    blamed = blame(frames[0])
    assert blamed is not None and blamed[0] == "application"


def test_nothing_is_blamed_without_a_frame() -> None:
    assert blame(None) is None


@pytest.mark.parametrize(
    ("file", "owner", "advice"),
    [
        ("/srv/bistro/crm.py", "", "make it async"),
        ("/srv/checkout/src/patter_espeak/tts.py", "patter-espeak", "nothing of yours"),
        (f"{PURELIB}/patter_espeak/tts.py", "patter-espeak", "nothing of yours"),
        (stalls.__file__, "patter-core", "nothing of yours"),
        (f"{PURELIB}/requests/sessions.py", "requests", "await asyncio.to_thread"),
        (f"{PURELIB}/six.py", "six", "await asyncio.to_thread"),
        (json.__file__, "Python", "await asyncio.to_thread"),
    ],
)
def test_whose_code_it_was_decides_what_is_advised(file: str, owner: str, advice: str) -> None:
    stall = stalls.Stall("read", file, 7, 300)
    error = stall.error()
    assert stall.owner == owner and advice in error.fix
    assert owner in error.message or not owner
