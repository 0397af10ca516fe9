"""A tool that keeps failing is left alone, and comes back when it works again."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.breaker import FAILURES, OPEN_MS, Circuit
from patter.tools.executor import DefaultToolExecutor
from patter.tools.tool import tool
from patter_testing import run_virtual

EXECUTOR = DefaultToolExecutor(max_retries=0)


@attrs.define
class Stock:
    """A tool's handler that works or fails, and counts."""

    fails: bool = True
    runs: int = 0
    takes_s: float = 0.0

    async def __call__(self) -> str:
        self.runs += 1
        await asyncio.sleep(self.takes_s)
        if self.fails:
            raise RuntimeError("no connection")
        return "12"


@attrs.define
class Runs:
    """Runs the tool of *stock* in calls of their own."""

    stock: Stock

    def __attrs_post_init__(self) -> None:
        self.tool = tool(handler=self.stock, name="stock", effect="read")

    tool: Any = attrs.field(init=False)

    async def once(self) -> dict[str, Any]:
        request = ToolRequest("t", "stock", "{}")
        outcome = await EXECUTOR.execute(self.tool, request, CallContext(call_id="c"))
        return {"text": outcome.text} if outcome.ok else orjson.loads(outcome.text)


@pytest.mark.virtual_time
async def test_after_five_failures_in_a_row_it_is_not_run_for_half_a_minute() -> None:
    runs = Runs(Stock())
    told = [await runs.once() for _ in range(FAILURES)]
    assert told[0] == {"error": "no connection", "fallback": True}
    assert told[-1]["circuit_state"] == "open" and told[-1]["retry_after_ms"] == OPEN_MS
    await asyncio.sleep(10)
    told = [await runs.once()]
    assert runs.stock.runs == FAILURES
    assert told[0]["fallback"] is True and told[0]["retry_after_ms"] == OPEN_MS - 10_000


@pytest.mark.virtual_time
async def test_then_one_run_is_let_through_and_decides() -> None:
    runs = Runs(Stock())
    for _ in range(FAILURES):
        await runs.once()
    await asyncio.sleep(OPEN_MS / 1_000)
    runs.stock.takes_s = 1
    async with asyncio.TaskGroup() as tasks:
        probes = [tasks.create_task(runs.once()) for _ in range(3)]
    assert runs.stock.runs == FAILURES + 1, "of three, one"
    assert all(probe.result()["circuit_state"] == "open" for probe in probes)
    await asyncio.sleep(OPEN_MS / 1_000)
    runs.stock.fails = False
    assert [await runs.once() for _ in range(3)] == [{"text": "12"}] * 3


@pytest.mark.virtual_time
async def test_a_probe_that_is_cancelled_makes_room_for_the_next() -> None:
    runs = Runs(Stock())
    for _ in range(FAILURES):
        await runs.once()
    await asyncio.sleep(OPEN_MS / 1_000)
    runs.stock.takes_s = 5
    async with asyncio.TaskGroup() as tasks:
        probe = tasks.create_task(runs.once())
        await asyncio.sleep(1)
        probe.cancel()
    runs.stock.takes_s, runs.stock.fails = 0, False
    assert await runs.once() == {"text": "12"}


@pytest.mark.virtual_time
async def test_a_success_in_between_keeps_it_closed() -> None:
    runs = Runs(Stock())
    for _ in range(4):
        for _ in range(FAILURES - 1):
            await runs.once()
        runs.stock.fails = False
        assert await runs.once() == {"text": "12"}
        runs.stock.fails = True


def test_another_loop_begins_anew() -> None:
    """Its clock is another; a simulated call must not depend on the one before."""
    runs = Runs(Stock())

    async def fail() -> dict[str, Any]:
        return [await runs.once() for _ in range(FAILURES - 1)][-1]

    assert (
        run_virtual(fail()) == run_virtual(fail()) == {"error": "no connection", "fallback": True}
    )


@given(st.lists(st.tuples(st.integers(0, 40_000), st.sampled_from([True, False, None]))))
def test_it_never_waits_longer_than_it_says_and_never_with_fewer_failures(
    steps: list[tuple[int, bool | None]],
) -> None:
    circuit, now, row = Circuit(), 0.0, 0
    for passed, ok in steps:
        now += passed
        wait_ms = circuit.wait_ms(now)
        assert 0 <= wait_ms <= OPEN_MS
        if wait_ms:
            assert row >= FAILURES
            continue
        circuit.settle(ok, now)
        row = row if ok is None else 0 if ok else row + 1
    assert not circuit.wait_ms(now + OPEN_MS)
