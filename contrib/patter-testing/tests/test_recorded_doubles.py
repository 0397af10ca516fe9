"""A call with doubles of vendors, over real sockets, is replayed and made a test as any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from patter import PluginRegistry
from patter_testing import lab
from patter_testing.recorded.as_test import as_test
from patter_testing.recorded.replay import replayed

from .test_recorded import passes
from .test_simulation import agent, registry

__all__ = ["registry"]


@pytest.mark.patter_timeout(60)
async def test_a_call_with_doubles_is_the_same_again_and_its_test_passes(
    registry: PluginRegistry,
    tmp_path: Path,
) -> None:
    async with lab(agent(), registry=registry, simulate=True) as call:
        await call.says("good morning")
        await call.says("book a table for 4")
        await call.hangs_up()
    code = as_test(call.events)
    assert "expect_tool('book_table', people=4)" in code
    done = passes(tmp_path, code)
    assert done.returncode == 0, done.stdout


@pytest.mark.patter_timeout(60)
async def test_a_call_with_doubles_is_replayed(registry: PluginRegistry) -> None:
    import asyncio

    async with lab(agent(), registry=registry, simulate=True) as call:
        await call.says("good morning")
        await call.says("book a table for 4")
        await call.hangs_up()
    replay = await asyncio.to_thread(replayed, call.events)
    assert [str(each) for each in replay.differences if each.matters] == []
    assert replay.turns == 2
