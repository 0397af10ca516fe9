"""What is measured while phones serve: one set of metrics for all phones of a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from patter.aio import task_scope
from patter.clock import machine_ms
from patter.providers.context import CallContext
from patter_prometheus.metrics import Metrics
from patter_prometheus.open_calls import OpenCalls

LOOK_S = 0.5
_current: OpenCalls | None = None


def current() -> OpenCalls:
    """What is measured in this process; begun when it is first asked for, and kept."""
    global _current
    if _current is None:
        _current = OpenCalls(Metrics())
    return _current


def listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    """What listens to *call*; None where nobody can read it: no phone serves."""
    if _current is None or not _current.servers:
        return None
    return _current.metrics.of_call(call.direction.value)


@asynccontextmanager
async def measured(server: Any) -> AsyncIterator[None]:
    """Count the calls of *server*, and how late the event loop is, while inside."""
    calls = current()
    async with task_scope() as tasks, server.registry.watch() as changes:
        calls.servers.append(server)
        running = [
            tasks.create_task(_watch(calls, server, changes), name="metrics-calls"),
            tasks.create_task(_look(calls.metrics), name="metrics-lag"),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            calls.servers.remove(server)


async def _watch(calls: OpenCalls, server: Any, changes: AsyncIterator[Any]) -> None:
    async for entry in changes:
        calls.saw(entry, server)


async def _look(metrics: Metrics) -> None:
    while True:
        due_ms = machine_ms() + LOOK_S * 1_000
        await asyncio.sleep(LOOK_S)
        metrics.lag.observe(max(0.0, machine_ms() - due_ms) / 1_000)
